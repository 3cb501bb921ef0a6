/**
 * The `docker-compose.yml` and `.env` that `sallyport init` writes.
 *
 * @module
 */

import { ENVOY_VERSION } from '../../../envoy/release.ts'

/** Whom the containers run as: the owner of the secrets, who must not be root. */
export interface ContainerUser {
  readonly uid: number
  readonly gid: number
}

export interface Environment {
  readonly user: ContainerUser
  /** A checkout, if this Sallyport is one. */
  readonly source: string | undefined
  readonly version: string
}

export function environmentFile(options: Environment): string {
  return `# Read by docker compose. The containers run as this user, who must own secrets/ and certs/.
SALLYPORT_UID=${options.user.uid}
SALLYPORT_GID=${options.user.gid}
SALLYPORT_VERSION=${options.version}
# ${
    options.source === undefined
      ? 'Name a checkout of Sallyport here: the image is built from it. This installation is none.'
      : 'The checkout that the image is built from; of no use once the image exists.'
  }
SALLYPORT_SOURCE=${options.source ?? ''}
`
}

export function composeYaml(domain: string): string {
  return `# Sallyport for ${domain}: a stock Envoy, Sallyport beside it, and an example app to replace with yours.
#
#   docker compose up --detach --build
#   docker compose logs --follow
#
# Envoy and Sallyport talk over Unix sockets on a shared volume that only their common user may enter.

name: sallyport

x-hardening: &hardening
  user: "\${SALLYPORT_UID:?}:\${SALLYPORT_GID:?}"
  restart: unless-stopped
  read_only: true
  cap_drop: [ALL]
  security_opt: [no-new-privileges:true]

x-sallyport: &sallyport
  image: sallyport:\${SALLYPORT_VERSION:?}
  build: \${SALLYPORT_SOURCE:-.}

services:
  envoy:
    <<: *hardening
    image: envoyproxy/envoy:v${ENVOY_VERSION}
    command: [envoy, --config-path, /etc/sallyport/bootstrap.yaml, --disable-hot-restart, --file-flush-interval-msec, "1000"]
    ports:
      - 443:443
      # For HTTP/3, as soon as it is served.
      - 443:443/udp
      - 80:80
    # Lets the common user listen on low ports.
    sysctls:
      net.ipv4.ip_unprivileged_port_start: 0
    volumes:
      - ./bootstrap.yaml:/etc/sallyport/bootstrap.yaml:ro
      - run:/run/sallyport
    # A mistake in config.yaml is told at the start: then this waits, and says so.
    depends_on:
      sallyport:
        condition: service_healthy
    healthcheck:
      # It listens once it has its configuration from Sallyport; the image has no HTTP client.
      test: [CMD, bash, -c, "exec 3<>/dev/tcp/127.0.0.1/443"]
      interval: 10s
      timeout: 3s
      start_period: 20s

  sallyport:
    <<: [*hardening, *sallyport]
    volumes:
      # The folder, not the file: an editor that saves by renaming replaces the file.
      - .:/etc/sallyport:ro
      - run:/run/sallyport
      # Sessions and keys of its own.
      - ./state:/var/lib/sallyport
    tmpfs: [/tmp]

  # Any app in this network, or elsewhere, can be a route's "to".
  app:
    <<: [*hardening, *sallyport]
    entrypoint: [node, examples/compose/app.ts]
    command: []
    healthcheck:
      disable: true

volumes:
  # In memory, and owned by the common user whichever container comes first.
  run:
    driver: local
    driver_opts:
      type: tmpfs
      device: tmpfs
      o: uid=\${SALLYPORT_UID},gid=\${SALLYPORT_GID},mode=0700
`
}
