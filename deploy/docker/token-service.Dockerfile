# The token service. Build from the repository's root:
#   docker build -f deploy/docker/token-service.Dockerfile -t modelgate/token-service .
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN npm run build

# Production dependencies of this app alone; workspaces become links into libs/.
FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY --from=build /src/package.json /src/package-lock.json ./
COPY --from=build /src/apps/token-service/package.json apps/token-service/
COPY --from=build /src/libs libs
RUN npm install --no-save --omit=dev --omit=optional --omit=peer --ignore-scripts --no-audit --no-fund --workspace @modelgate/token-service --include-workspace-root=false \
 && find libs -name src -type d -prune -exec rm -rf {} +

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app ./
COPY --from=build /src/apps/token-service/dist apps/token-service/dist
COPY --from=build /src/prisma/migrations prisma/migrations
RUN mkdir /data && chown node:node /data \
 && printf '#!/bin/sh\nexec node /app/apps/token-service/dist/admin-command/main.js "$@"\n' > /usr/local/bin/modelgate-admin \
 && chmod 755 /usr/local/bin/modelgate-admin
USER node
EXPOSE 8080 8090
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT??8080}/health/live`).then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
CMD ["node", "apps/token-service/dist/main.js"]
