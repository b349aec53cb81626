"""Where what vendors send, and so we do, is not what their files say.

A gap is met by the name of the file, or of who speaks its format in a manner
of his own ("deepseek_chat"), and by regular expressions for the message
("reply /chat/completions"), for the place in it ("/choices/0") and for what is
said to be wrong there.
"""

import collections

Gap = collections.namedtuple("Gap", "spec what path message reason")

GAPS = (
    Gap("openai", "^reply /embeddings$", "^/data/[0-9]+/embedding$",
        "is not of type 'array'",
        "The file knows floats alone; with encoding_format base64, which both "
        "SDKs ask for, a vector is a string."),
    Gap("openai", "^event /responses$", "^/response/usage$",
        "^None is not of type 'object'$",
        "Recorded streams begin with a response whose usage is null."),
    Gap("anthropic", "^MessageStreamEvent$", "^/(delta|usage)$",
        "is a required property$",
        "The file wants every key in message_delta; live servers leave out "
        "what has not changed."),
    Gap("anthropic", "", "/stop_details/category$", "^'general_harms'",
        "The file lists the categories of an older day."),
    Gap("anthropic", "^ErrorResponse$", "^/$",
        "^'request_id' is a required property$",
        "An error in the middle of a stream bears no id; that of a whole "
        "answer, and the head of the stream, do."),
    Gap("openai", "^event /chat/completions$", "^/object$",
        "^'' is not one of",
        "Azure's first chunk, with what its filter thought of the prompt, has "
        "neither id nor object, and is forwarded as it is."),
    Gap("openai", "^reply /chat/completions$", "^/choices/0/message$",
        "^'refusal' is a required property$",
        "DeepSeek's answers, forwarded as they are, have no such key."),
    Gap("azure_chat", "^ErrorResponse$", "^/error/type$",
        "^None is not of type 'string'$",
        "Azure leaves the type of most errors null."),
    Gap("deepseek_chat", "^reply /chat/completions$", "^/choices/0/message$",
        "^'refusal' is a required property$",
        "DeepSeek knows no refusals."),
)
