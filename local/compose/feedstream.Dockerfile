# The feedstream command with the functions and the manifest of production.
FROM golang:1.26.0-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY functions functions
COPY shared shared
COPY local local
COPY Makefile ./
RUN make command functions

FROM debian:12.11-slim
COPY --from=build /src/bin/feedstream /feedstream/bin/feedstream
COPY --from=build /src/bin/functions /feedstream/bin/functions
COPY s.yaml /feedstream/
RUN useradd --uid 10001 --create-home feedstream && mkdir /data && chown feedstream: /data
USER feedstream
