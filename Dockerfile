ARG NODE=24
ARG DEBIAN=bookworm

# The page and the server, each bundled with all that it imports. It runs on the machine that builds, whatever machine the image is for.
FROM --platform=$BUILDPLATFORM node:${NODE}-${DEBIAN}-slim AS build
WORKDIR /build
COPY .npmrc .puppeteerrc.cjs package.json package-lock.json ./
RUN npm ci --ignore-scripts
# Licences ask to travel with what is bundled.
RUN mkdir /licences \
  && find node_modules -type f \( -iname 'licen[cs]e*' -o -iname 'notice*' \) -exec cp --parents --target-directory=/licences {} +
COPY tsconfig.json ./
COPY machines/ machines/
COPY browser/ browser/
COPY server/ server/
RUN npm run build
# What is in them, by name, version, licence and hash.
COPY infra/image/sbom.ts infra/image/sbom-contents.ts infra/image/
RUN mkdir sbom && node --import tsx infra/image/sbom.ts > sbom/bundled.cdx.json

FROM node:${NODE}-${DEBIAN}-slim AS node

FROM debian:${DEBIAN}-slim AS participant
# Chromium's package asks for the programs of a desktop, and these for Mesa and LLVM: 230 MB that the shell never loads, since it draws
# with its own SwiftShader. The names are bookworm's. Without them apt refuses to install more in an image made from this one.
RUN apt-get update \
  && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium-headless-shell fonts-dejavu-core sudo tini \
  && dpkg --purge --force-depends x11-utils xdg-utils libgl1 libglx0 libglx-mesa0 libgl1-mesa-dri libllvm15 libz3-4 libxml2 libicu72 \
  && rm -rf /usr/lib/chromium/libVkLayer_khronos_validation.so /var/lib/apt/lists/* /var/log/* \
  && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin participant \
  && useradd --uid 10002 --user-group --no-create-home --home-dir /var/lib/browser --shell /usr/sbin/nologin browser \
  && install --directory --owner=participant --group=participant --mode=0700 /var/cache/participant \
  && install --directory --owner=browser --group=browser --mode=0700 /var/lib/browser \
  && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
  && chown root:participant /usr/bin/sudo \
  && chmod 4750 /usr/bin/sudo \
  && chmod 0711 /usr/bin/env /usr/bin/tini
# The server is `participant`, Chromium is `browser`; sudo leads from the one to the other, and is the only program with a setuid bit.
COPY --chmod=0440 server/chromium/sudoers /etc/sudoers
COPY --chmod=0755 server/chromium/launcher.sh /usr/local/bin/chromium-launcher
RUN visudo --check --quiet
# Programs that may be run but not read: the kernel then hides their memory and environment (tokens, keys) from every other process of
# the same user, and where there is neither sandbox nor second user Chromium's are among those. It does not hide what the container's
# runtime starts itself, while that still has the capabilities of root: hence `env` in front of the health check and of tini. See SECURITY.md.
COPY --from=node --chmod=0711 /usr/local/bin/node /usr/local/bin/node
WORKDIR /app
COPY LICENSE NOTICE ./
COPY --from=build /licences/node_modules/ licences/
COPY assets/counter.mp4 assets/
COPY --from=build /build/dist/browser/ dist/browser/
COPY --from=build /build/dist/server/ dist/server/
COPY --from=build /build/sbom/ sbom/
RUN dpkg-query --show --showformat '${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n' > sbom/debian.tsv

# By number: Kubernetes' runAsNonRoot asks for it.
USER 10001:10001
# Fails the build when a library is missing.
RUN node --version && chromium-headless-shell --version

ENV NODE_ENV=production ASSET_CACHE_DIR=/var/cache/participant CHROMIUM_LAUNCHER=/usr/local/bin/chromium-launcher
# All that is written, with --read-only too: assets of S3 by the server, Chromium's profile by its user, or in /tmp where it has none.
VOLUME /var/cache/participant /var/lib/browser /tmp
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --retries=3 --start-period=30s --start-interval=500ms CMD \
  ["env", "node", "-e", "fetch(`http://127.0.0.1:${process.env.HEALTH_PORT || 8080}/livez`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# tini reaps what Chromium leaves behind, which Node does not.
ENTRYPOINT ["env", "tini", "--"]
CMD ["node", "dist/server/main.js"]

ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Virtual participant" \
  org.opencontainers.image.description="Joins an Amazon IVS Real-Time stage with a participant token and publishes a file." \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.licenses="MIT AND LicenseRef-AWS-Customer-Agreement"

# What `npm run image:verify` sets beside the image: the local services, and a viewer in the image's own Chromium.
FROM build AS services
COPY assets/counter.mp4 assets/
COPY infra/ infra/
RUN node --import tsx infra/image/build-pages.ts

FROM participant AS verify
WORKDIR /verify
COPY --from=services /build/ ./
HEALTHCHECK NONE
CMD ["node", "--import", "tsx", "infra/image/services.ts"]

# The last stage is what a build without a target makes.
FROM participant
