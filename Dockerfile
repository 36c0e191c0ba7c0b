# syntax=docker/dockerfile:1

FROM node:26-bookworm AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build && node scripts/image.mjs /image

# glibc and libstdc++, the certificates of public authorities, an empty user, and no shell.
FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="peppermill" \
      org.opencontainers.image.description="Drains login events from SQS, masks the personal fields, stores them in PostgreSQL" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /image/ /
USER 65532:65532
WORKDIR /
# Metrics and probes, with --listen=0.0.0.0:9464.
EXPOSE 9464
# The batch in hand is committed and acknowledged: give it longer than the ten seconds of docker stop.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/peppermill"]
CMD ["--batch"]
