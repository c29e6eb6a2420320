# The gateway. Build from the repository's root:
#   docker build -f deploy/docker/gateway.Dockerfile -t modelgate/gateway .
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /src
COPY . .
RUN npm run build

# Production dependencies of this app alone; workspaces become links into libs/.
FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY --from=build /src/package.json /src/package-lock.json ./
COPY --from=build /src/apps/gateway/package.json apps/gateway/
COPY --from=build /src/libs libs
RUN npm install --no-save --omit=dev --omit=optional --omit=peer --ignore-scripts --no-audit --no-fund --workspace @modelgate/gateway --include-workspace-root=false \
 && find libs -name src -type d -prune -exec rm -rf {} +

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=dependencies /app ./
COPY --from=build /src/apps/gateway/dist apps/gateway/dist
USER node
EXPOSE 8081 9081
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.MANAGEMENT_PORT??9081}/health/live`).then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"]
CMD ["node", "apps/gateway/dist/main.js"]
