/** What a model's server is, where it is known: it offers what the base protocols leave open. */
export const runtimes = ['kserve', 'huggingface', 'mlserver', 'triton', 'tensorflow', 'vllm', 'openvino'] as const;
export type Runtime = (typeof runtimes)[number];
