# Sallyport without Envoy, which runs in its own container: docker-compose.yml, envoy/README.md.
# Node runs the TypeScript sources as they are, so there is nothing to build.

FROM node:26-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without the optional ones: they are a Node for hosts whose own is too old.
RUN npm ci --omit=dev --omit=optional --no-audit --no-fund

FROM node:26-bookworm-slim
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY proto/envoy-api proto/envoy-api
COPY envoy envoy
COPY src src
COPY examples/compose examples/compose

# The sockets and the state belong to the one user that Envoy's container runs as, too.
RUN mkdir -p /run/sallyport /var/lib/sallyport /etc/sallyport \
 && chown 65532:65532 /run/sallyport /var/lib/sallyport \
 && chmod 700 /run/sallyport /var/lib/sallyport
ENV NODE_ENV=production HOME=/var/lib/sallyport
USER 65532:65532
VOLUME /var/lib/sallyport

HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:28080/healthz').then(({ok}) => process.exit(ok ? 0 : 1), () => process.exit(1))"]

ENTRYPOINT ["node", "src/cli/sallyport.ts"]
CMD ["serve", "--envoy", "external", "--config", "/etc/sallyport/config.yaml", \
     "--state-dir", "/var/lib/sallyport", "--run-dir", "/run/sallyport"]
