package main

import (
	"encoding/json"
	"testing"
)

func TestScanFindsWhatMattersAnywhere(t *testing.T) {
	for _, body := range []string{
		`{"model":"m","stream":true,"stream_options":{"include_usage":true},` +
			`"n":2,"messages":[{"role":"user","content":"x"}]}`,
		` { "messages" : [ { "content" : "\"}],\"model\":\"no\"\\" } ] , ` +
			`"n" : 2 , "stream_options" : { "a":[1], "include_usage":true }` +
			` , "stream" : true , "m\u006fdel" : "\u006d" } `,
	} {
		a, ok := scanRequest([]byte(body))
		if !ok || string(a.model) != "m" || !a.stream || !a.includeUsage ||
			a.choices != 2 || !a.hasMessages {
			t.Errorf("%s: %v %+v", body, ok, a)
		}
	}
}

func TestScanIsNotFooledByNestedKeys(t *testing.T) {
	a, ok := scanRequest([]byte(
		`{"tools":[{"model":"x","stream":true}],"messages":[ ]}`))
	if !ok || a.model != nil || a.stream || a.hasMessages {
		t.Errorf("%+v", a)
	}
}

func FuzzScan(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1}`, `{"a":"\\"}`, `{"a":[{}]}`,
		`{"model":"m","n":1e3}`, `{"a`, `{"a":}`, `[`, ``, `{"messages":1}`,
		`{"a":"b\"`, `{"dimensions":3,"input":"x"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, found := scanRequest(body)
		var object map[string]json.RawMessage
		if json.Unmarshal(body, &object) == nil && object != nil && !found {
			t.Errorf("lost the way in %q", body)
		}
	})
}
