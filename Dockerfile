# Sallyport without Envoy, which runs in its own container: docker-compose.yml, docs/docker-compose.md.
# Node, the few libraries that it needs, and the bundle. There is no shell and no package manager in it.

FROM node:26-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
COPY build/only-what-builds.ts build/
RUN node build/only-what-builds.ts && npm install --ignore-scripts --no-audit --no-fund
# As they are: the bill of materials is made of them.
COPY package.json package-lock.json ./
COPY LICENSE CHANGELOG.md config.schema.json ./
COPY proto/envoy-api proto/envoy-api
COPY envoy envoy
COPY examples/compose examples/compose
COPY build build
COPY src src
ARG SOURCE_DATE_EPOCH=0
# The first line of the program names Node itself: the image has no `env`.
RUN node build/run.ts image --out /out \
 && sed -i '1s|.*|#!/usr/local/bin/node|' /out/image/bin/sallyport.mjs \
 && find /out -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

FROM node:26-bookworm-slim AS system
RUN apt-get update \
 && apt-get install -y --no-install-recommends binutils ca-certificates libatomic1 \
 && rm -rf /var/lib/apt/lists/*
COPY build/image-root.sh ./
ARG SOURCE_DATE_EPOCH=0
RUN sh image-root.sh /image

FROM scratch
COPY --from=system /image /
COPY --from=build /out/image /opt/sallyport

ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Sallyport" \
      org.opencontainers.image.description="Identity-aware access proxy: the control plane of a stock Envoy" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production HOME=/var/lib/sallyport PATH=/usr/local/bin
USER 65532:65532
WORKDIR /opt/sallyport
VOLUME /var/lib/sallyport

HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 CMD ["sallyport", "healthcheck"]

ENTRYPOINT ["sallyport"]
CMD ["serve", "--envoy", "external", "--config", "/etc/sallyport/config.yaml", \
     "--state-dir", "/var/lib/sallyport", "--run-dir", "/run/sallyport"]
