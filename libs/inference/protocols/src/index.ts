/**
 * Turns a raw inference request into an Operation and a Decision. Contains the canonicaliser, the catalogue,
 * classification, the decision, the forwarded headers of both directions and the dialects of refusals. Owns what may be
 * forwarded at all. Opens no socket, verifies no token and counts nothing.
 */
export { canonicalise } from './request/canonicaliser.ts';
export { Catalogue } from './catalogue/catalogue.ts';
export { classify, type Classified } from './classify.ts';
export { concealment } from './denial/concealment.ts';
export { decide } from './decide.ts';
export { dialectOf } from './denial/dialect-of.ts';
export { deny, isDenial, type Denial, type DenialReason } from './denial/denial.ts';
export { requestHeaders, responseHeaders } from './request/forwarded-headers.ts';
export { resolveMessage, type GrpcOperation, type ResolvedMessage } from './grpc/grpc.ts';
export { grpcStatus } from './grpc/grpc-error.ts';
export { lengthOf } from './grpc/grpc-bytes.ts';
export { framedLength, GrpcFrameError, GrpcFrameReader, type GrpcFrame } from './grpc/grpc-frames.ts';
export { filterIndex } from './grpc/grpc-index.ts';
export {
  acceptedEncodings,
  grpcCallFields,
  grpcMetadata,
  type GrpcCallFields,
  type GrpcEncoding,
} from './grpc/grpc-metadata.ts';
export { grpcMethods, type GrpcMethod } from './grpc/grpc-methods.ts';
export { http2Request } from './request/http2-request.ts';
export { filterList } from './list-filter.ts';
export { listModels } from './openai/openai-list.ts';
export type { BodyOperation, CatalogueQuestion, Operation, Protocol, Upstream } from './operation.ts';
export { defaultRequestLimits, type CanonicalRequest, type RawRequest } from './request/raw-request.ts';
export { protocolRegistry } from './registry.ts';
export { renderDenial } from './denial/render-denial.ts';
export { mediaProblem, resolveBody } from './body/resolve-body.ts';
export { surfaceRows, type SurfaceRow } from './catalogue/surface.ts';
export type { UpstreamTimeouts, UpstreamTls } from './catalogue/upstream-settings.ts';
