package main

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// asked is what an answer depends on, found in a request body by one pass over
// its top-level keys and no decoding of the values that are skipped.
type asked struct {
	model          []byte // points into the body unless it held escapes
	stream         bool
	streamRefused  bool // "stream": false, said outright
	includeUsage   bool
	choices        int
	hasMessages    bool // a "messages" array that is not empty
	hasMaxTokens   bool
	hasInput       bool
	input          []byte
	encodingFormat []byte
	dimensions     int
	wantsEncrypted bool // reasoning, of the Responses API
}

func scanRequest(body []byte) (asked, bool) {
	a := asked{choices: 1}
	ok := scanObject(body, func(key, value []byte) {
		switch string(key) {
		case "model":
			a.model = stringValue(value)
		case "stream":
			a.stream = string(value) == "true"
			a.streamRefused = string(value) == "false"
		case "stream_options":
			scanObject(value, func(key, value []byte) {
				if string(key) == "include_usage" {
					a.includeUsage = string(value) == "true"
				}
			})
		case "n":
			if n, err := strconv.Atoi(string(value)); err == nil && n > 0 {
				a.choices = n
			}
		case "messages":
			a.hasMessages = value[0] == '[' &&
				len(bytes.TrimSpace(value[1:len(value)-1])) > 0
		case "max_tokens":
			a.hasMaxTokens = string(value) != "null"
		case "input":
			a.input = value
			a.hasInput = string(value) != "null" && string(value) != `""` &&
				string(value) != "[]"
		case "include":
			a.wantsEncrypted = bytes.Contains(value,
				[]byte(`"reasoning.encrypted_content"`))
		case "encoding_format":
			a.encodingFormat = stringValue(value)
		case "dimensions":
			a.dimensions, _ = strconv.Atoi(string(value))
		}
	})
	return a, ok
}

// scanObject calls visit for each member of the JSON object in data: the key
// without quotes and unescaped, the value raw and without outer spaces. It
// says whether it reached the object's end. It finds its way; it does not
// validate.
func scanObject(data []byte, visit func(key, value []byte)) bool {
	i := skipSpace(data, 0)
	if i >= len(data) || data[i] != '{' {
		return false
	}
	i = skipSpace(data, i+1)
	if i < len(data) && data[i] == '}' {
		return true
	}
	for i < len(data) {
		end := skipValue(data, i)
		if end < 0 || data[i] != '"' {
			return false
		}
		key := stringValue(data[i:end])
		i = skipSpace(data, end)
		if i >= len(data) || data[i] != ':' {
			return false
		}
		i = skipSpace(data, i+1)
		end = skipValue(data, i)
		if end < 0 {
			return false
		}
		visit(key, data[i:end])
		i = skipSpace(data, end)
		if i >= len(data) {
			return false
		}
		if data[i] == '}' {
			return true
		}
		if data[i] != ',' {
			return false
		}
		i = skipSpace(data, i+1)
	}
	return false
}

func skipSpace(data []byte, i int) int {
	for i < len(data) {
		switch data[i] {
		case ' ', '\t', '\n', '\r':
			i++
		default:
			return i
		}
	}
	return i
}

// skipValue returns the index after the value at i, or -1.
func skipValue(data []byte, i int) int {
	if i >= len(data) {
		return -1
	}
	switch data[i] {
	case '"':
		return skipString(data, i)
	case '{', '[':
		return skipNested(data, i)
	}
	start := i
	for i < len(data) && bytes.IndexByte([]byte(",]} \t\r\n"), data[i]) < 0 {
		i++
	}
	if i == start {
		return -1
	}
	return i
}

func skipString(data []byte, i int) int {
	i++
	for {
		quote := bytes.IndexByte(data[i:], '"')
		if quote < 0 {
			return -1
		}
		end := i + quote
		backslashes := 0
		for k := end - 1; k >= i && data[k] == '\\'; k-- {
			backslashes++
		}
		i = end + 1
		if backslashes%2 == 0 {
			return i
		}
	}
}

func skipNested(data []byte, i int) int {
	depth := 0
	for i < len(data) {
		switch data[i] {
		case '"':
			if i = skipString(data, i); i < 0 {
				return -1
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return -1
}

// stringValue strips the quotes of a raw JSON string; nil if it is none.
func stringValue(raw []byte) []byte {
	if len(raw) < 2 || raw[0] != '"' {
		return nil
	}
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return nil
	}
	return []byte(s)
}
