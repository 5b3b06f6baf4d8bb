# The Phoenix Query Server, for thin drivers.
FROM maven:3.9.9-eclipse-temurin-17 AS jars
COPY local/real/poms/queryserver/pom.xml /build/
RUN mvn -q -B -f /build/pom.xml dependency:copy-dependencies -DoutputDirectory=/jars

FROM eclipse-temurin:17.0.13_11-jre-jammy
COPY --from=jars /jars /opt/queryserver/lib
COPY local/compose/config/hbase-site.xml local/compose/config/log4j.properties /etc/hbase/
RUN useradd --uid 10001 --create-home feedstream
USER feedstream
