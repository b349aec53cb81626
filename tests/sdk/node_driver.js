// Does with the Node SDKs what the tests ask; see python_driver.py, which does
// the same in its language.

'use strict';

const readline = require('node:readline');
const {Anthropic} = require('@anthropic-ai/sdk');
const {zodOutputFormat} = require('@anthropic-ai/sdk/helpers/zod');
const {OpenAI} = require('openai');
const {zodResponseFormat, zodTextFormat} = require('openai/helpers/zod');
const {z} = require('zod/v4');

const TIMEOUT_MS = 30000;
const Weather = z.object({city: z.string(), celsius: z.number()});

const openai = (call) => new OpenAI({
  baseURL: call.base_url + '/v1',
  apiKey: call.key,
  maxRetries: 0,
  timeout: TIMEOUT_MS,
});

const anthropic = (call) => new Anthropic({
  baseURL: call.base_url,
  apiKey: call.key,
  maxRetries: 0,
  timeout: TIMEOUT_MS,
});

async function all(iterable) {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
}

// Takes some events and hangs up.
async function first(stream, count) {
  let taken = 0;
  for await (const event of stream) {
    taken += event === undefined ? 0 : 1;
    if (taken === count) break;
  }
  return taken;
}

// With the id of the request, which comes in the header.
const identified = async (answer) => {
  const value = await answer;
  return {...value, request_id: value._request_id};
};

const streamed = (request) => ({...request, stream: true});

const deeds = {
  chat: (call) =>
    identified(openai(call).chat.completions.create(call.request)),
  chat_stream: async (call) =>
    all(await openai(call).chat.completions.create(streamed(call.request))),
  chat_cancel: async (call) => first(
    await openai(call).chat.completions.create(streamed(call.request)),
    call.count),
  chat_accumulate: (call) =>
    openai(call).chat.completions.stream(call.request)
      .finalChatCompletion(),
  chat_parse: async (call) => {
    const answer = await openai(call).chat.completions.parse({
      ...call.request,
      response_format: zodResponseFormat(Weather, 'Weather'),
    });
    return answer.choices[0].message.parsed;
  },

  respond: (call) => openai(call).responses.create(call.request),
  respond_stream: async (call) =>
    all(await openai(call).responses.create(streamed(call.request))),
  respond_cancel: async (call) => first(
    await openai(call).responses.create(streamed(call.request)), call.count),
  respond_accumulate: (call) =>
    openai(call).responses.stream(call.request).finalResponse(),
  respond_parse: async (call) => {
    const answer = await openai(call).responses.parse({
      ...call.request,
      text: {format: zodTextFormat(Weather, 'Weather')},
    });
    return answer.output_parsed;
  },

  embed: (call) => openai(call).embeddings.create(call.request),
  openai_models: (call) => all(openai(call).models.list()),
  openai_model: (call) => openai(call).models.retrieve(call.model),

  message: (call) =>
    identified(anthropic(call).messages.create(call.request)),
  message_beta: (call) => anthropic(call).beta.messages.create(
    {...call.request, betas: call.betas}),
  message_stream: async (call) =>
    all(await anthropic(call).messages.create(streamed(call.request))),
  message_cancel: async (call) => first(
    await anthropic(call).messages.create(streamed(call.request)),
    call.count),
  message_accumulate: async (call) => {
    const stream = anthropic(call).messages.stream(call.request);
    let text = '';
    stream.on('text', (piece) => { text += piece; });
    return {message: await stream.finalMessage(), text};
  },
  message_parse: async (call) => {
    const answer = await anthropic(call).messages.parse({
      ...call.request,
      output_config: {format: zodOutputFormat(Weather)},
    });
    return answer.parsed_output;
  },
  count_tokens: (call) => anthropic(call).messages.countTokens(call.request),
  anthropic_models: (call) => all(anthropic(call).models.list()),
  anthropic_model: (call) => anthropic(call).models.retrieve(call.model),
};

// The names of an error's class and of those it is derived from.
function bases(error) {
  const names = [];
  for (let at = Object.getPrototypeOf(error); at;
    at = Object.getPrototypeOf(at)) names.push(at.constructor.name);
  return names;
}

const told = (error) => ({
  class: error.constructor.name,
  bases: bases(error),
  status: error.status ?? null,
  code: error.code ?? null,
  type: error.type ?? null,
  body: error.error ?? null,
  request_id: error.requestID ?? null,
  message: String(error.message),
});

async function main() {
  for await (const line of readline.createInterface({input: process.stdin})) {
    const call = JSON.parse(line);
    let answer;
    try {
      answer = {ok: await deeds[call.do](call)};
    } catch (error) {
      answer = {error: told(error)};
    }
    process.stdout.write(JSON.stringify(answer) + '\n');
  }
}

main();
