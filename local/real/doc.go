// Package real runs Apache Kafka, and Apache HBase with Apache Phoenix, on this machine from their
// published artifacts, as the judges of the wire formats and of the rows. They need Java 17 (a JDK)
// and Maven; the jars are fetched once for each pom and kept in the user's cache folder.
//
// Everything listens on loopback, keeps its data in the folder it is given, and runs until it is stopped
// or this process ends.
package real
