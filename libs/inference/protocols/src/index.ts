/**
 * From a raw inference request to an Operation and a Decision: canonicaliser, catalogue, classification, decision, what
 * is forwarded either way, and the dialects refusals are told in. Owns what may be forwarded at all. Opens no socket,
 * verifies no token, counts nothing.
 */
export { canonicalise } from './canonicaliser.ts';
export { Catalogue } from './catalogue.ts';
export type { CatalogueEntry } from './catalogue-entry.ts';
export { classify, type Classified } from './classify.ts';
export { concealment } from './concealment.ts';
export { decide } from './decide.ts';
export { dialectOf } from './dialect-of.ts';
export { deny, isDenial, type Denial, type DenialFacts, type DenialReason } from './denial.ts';
export { requestHeaders, responseHeaders } from './forwarded-headers.ts';
export { resolveMessage, type GrpcOperation, type ResolvedMessage } from './grpc.ts';
export { grpcStatus } from './grpc-error.ts';
export { lengthOf } from './grpc-bytes.ts';
export { framedLength, GrpcFrameError, GrpcFrameReader, type GrpcFrame } from './grpc-frames.ts';
export { filterIndex } from './grpc-index.ts';
export {
  acceptedEncodings,
  grpcCallFields,
  grpcMetadata,
  type GrpcCallFields,
  type GrpcEncoding,
} from './grpc-metadata.ts';
export { grpcMethods, type GrpcMethod } from './grpc-methods.ts';
export { ProtobufError } from './grpc-protobuf.ts';
export { http2Request } from './http2-request.ts';
export { filterList } from './list-filter.ts';
export { listModels } from './openai-list.ts';
export type { BodyOperation, CatalogueQuestion, Operation, Protocol, Upstream } from './operation.ts';
export { defaultRequestLimits, type CanonicalRequest, type RawRequest, type RequestLimits } from './raw-request.ts';
export { renderDenial, type RenderedDenial, type RenderOptions } from './render-denial.ts';
export { mediaProblem, resolveBody, type ResolvedBody } from './resolve-body.ts';
export type { ServedModel } from './served-model.ts';
export { surfaceRows, type SurfaceRow } from './surface.ts';
export type { UpstreamCredential, UpstreamSettings, UpstreamTimeouts, UpstreamTls } from './upstream-settings.ts';
