"""KServe's own Python server with toy language models on its OpenAI protocol: chat and text completions, whole or streamed.

usage: server.py [--models NAME …] [--host ADDRESS] [--http_port PORT] …and every flag of KServe's own server

The same prompt gives the same text, and every word is one chunk of a stream.
"""

import argparse
import asyncio
import hashlib

import uvicorn
from kserve import ModelServer, model_server
from kserve.protocol.rest.openai import OpenAIModel
from kserve.protocol.rest.openai.types import (
    ChatCompletion,
    ChatCompletionChoice,
    ChatCompletionChunk,
    ChatCompletionResponseMessage,
    ChoiceDelta,
    ChunkChoice,
    Completion,
    CompletionChoice,
    CompletionUsage,
)

WORDS = "the a model token gate key stream of in with and that serves reads signs opens small quiet bright".split()


def words(prompt, count):
    """`count` words, chosen by the prompt and their place."""
    for place in range(count):
        digest = hashlib.sha256(f"{place} {prompt}".encode()).digest()
        yield WORDS[digest[0] % len(WORDS)] + " "


class ToyLanguageModel(OpenAIModel):
    def __init__(self, name, delay):
        super().__init__(name)
        self.delay = delay

    async def generate(self, prompt, count):
        for word in words(prompt, count):
            await asyncio.sleep(self.delay)
            yield word

    async def create_completion(self, request):
        params = request.params
        count = params.max_tokens or 16
        base = {"id": "cmpl-toy", "created": 0, "model": self.name, "object": "text_completion"}

        def completion(text, finish_reason, **more):
            choice = CompletionChoice(index=0, text=text, finish_reason=finish_reason, logprobs=None)
            return Completion(**base, choices=[choice], **more)

        if not params.stream:
            text = "".join([word async for word in self.generate(str(params.prompt), count)])
            return completion(text, "length", usage=usage(params.prompt, count))

        async def chunks():
            place = 0
            async for word in self.generate(str(params.prompt), count):
                place += 1
                yield completion(word, "length" if place == count else None)

        return chunks()

    async def create_chat_completion(self, request):
        params = request.params
        count = params.max_tokens or 16
        prompt = "\n".join(f"{message.role}: {message.content}" for message in params.messages)
        base = {"id": "chatcmpl-toy", "created": 0, "model": self.name}
        if not params.stream:
            text = "".join([word async for word in self.generate(prompt, count)])
            message = ChatCompletionResponseMessage(role="assistant", content=text)
            choice = ChatCompletionChoice(index=0, message=message, finish_reason="length", logprobs=None)
            return ChatCompletion(**base, object="chat.completion", choices=[choice], usage=usage(prompt, count))

        def chunk(delta, finish_reason=None):
            choice = ChunkChoice(index=0, delta=delta, finish_reason=finish_reason, logprobs=None)
            return ChatCompletionChunk(**base, object="chat.completion.chunk", choices=[choice])

        async def chunks():
            yield chunk(ChoiceDelta(role="assistant", content=""))
            async for word in self.generate(prompt, count):
                yield chunk(ChoiceDelta(content=word))
            yield chunk(ChoiceDelta(), "length")

        return chunks()


def usage(prompt, count):
    tokens = len(str(prompt).split())
    return CompletionUsage(prompt_tokens=tokens, completion_tokens=count, total_tokens=tokens + count)


def bind_to(host):
    """KServe listens on every interface and has no flag for it; its HTTP server is uvicorn, told so in one place."""
    original = uvicorn.Config.__init__

    def init(self, *args, **options):
        original(self, *args, **{**options, "host": host})

    uvicorn.Config.__init__ = init


def main():
    parser = argparse.ArgumentParser(description=__doc__, parents=[model_server.parser])
    parser.add_argument("--models", nargs="+", default=["tiny-llm"])
    parser.add_argument("--token_delay", type=float, default=0.0, help="seconds before every word")
    parser.add_argument("--host", default="127.0.0.1")
    arguments = parser.parse_args()
    if arguments.enable_grpc and arguments.host != "0.0.0.0":
        parser.error("gRPC cannot be bound to one address: give --enable_grpc false, or --host 0.0.0.0")
    bind_to(arguments.host)
    ModelServer().start([ToyLanguageModel(name, arguments.token_delay) for name in arguments.models])


if __name__ == "__main__":
    main()
