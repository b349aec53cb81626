package main

import (
	"bytes"
	"strconv"
)

// responseStreamer renders the events of one streamed response. Each has a
// number of its own, so that runs of equal pieces become events one by one.
type responseStreamer struct {
	events []event
}

type pair struct {
	key   string
	value interface{}
}

// responseEvent writes the type and number first, as the vendor does.
func responseEvent(kind string, number int, pairs ...pair) event {
	var b bytes.Buffer
	b.WriteString("event: " + kind + "\n")
	b.WriteString(`data: {"type":"` + kind + `","sequence_number":` +
		strconv.Itoa(number))
	for _, p := range pairs {
		b.WriteString(`,"` + p.key + `":`)
		b.Write(toJSON(p.value))
	}
	b.WriteString("}\n\n")
	return event{bytes: b.Bytes(), number: number}
}

func (r *responseStreamer) add(kind string, pairs ...pair) {
	r.events = append(r.events, responseEvent(kind, len(r.events), pairs...))
}

// addContent adds an event that counts as a chunk.
func (r *responseStreamer) addContent(kind string, pairs ...pair) {
	r.add(kind, pairs...)
	r.events[len(r.events)-1].content = true
}

// responseStream is the whole stream, and how one ends that fails.
func responseStream(s *Step, c call) ([]segment, func(*event) []byte) {
	whole := newResponse(c)
	keep(whole)
	usage := s.usageOf()
	r := &responseStreamer{}
	r.add("response.created", pair{"response", whole})
	r.add("response.in_progress", pair{"response", whole})
	failure := func(last *event) []byte {
		return failedResponse(s, whole, last)
	}
	items := responseItems(s, c)
	for i, item := range items {
		r.add("response.output_item.added", pair{"output_index", i},
			pair{"item", item.start})
		switch item.whole.(type) {
		case responseMessage:
			r.message(i, item)
		case responseReasoning:
			r.reasoning(i, item)
		case responseCall:
			r.call(i, item)
		}
		r.add("response.output_item.done", pair{"output_index", i},
			pair{"item", item.whole})
	}
	whole.end(s, items, usage)
	if !s.OmitFinish {
		r.add("response."+whole.Status, pair{"response", whole})
		if whole.Usage != nil {
			r.events[len(r.events)-1].usage = &usage
		}
	}
	if s.Garbage == "duplicate_finish" {
		r.add("response."+whole.Status, pair{"response", whole})
	}
	return []segment{{r.events, 1}}, failure
}

func (r *responseStreamer) message(index int, item plannedItem) {
	at := []pair{{"item_id", item.id}, {"output_index", index},
		{"content_index", 0}}
	kind := "response." + item.part
	r.add("response.content_part.added", append(at, pair{"part",
		newResponsePart(item.part, "")})...)
	none := []string{}
	for _, piece := range item.pieces {
		for i := 0; i < piece.times; i++ {
			fields := append(at, pair{"delta", piece.piece})
			if item.part == "output_text" {
				fields = append(fields, pair{"logprobs", none},
					pair{"obfuscation", "mock"})
			}
			r.addContent(kind+".delta", fields...)
		}
	}
	if item.part == "output_text" {
		r.add(kind+".done", append(at, pair{"text", item.text},
			pair{"logprobs", none})...)
	} else {
		r.add(kind+".done", append(at, pair{"refusal", item.text})...)
	}
	r.add("response.content_part.done", append(at, pair{"part",
		newResponsePart(item.part, item.text)})...)
}

func (r *responseStreamer) reasoning(index int, item plannedItem) {
	if item.text == "" {
		return
	}
	at := []pair{{"item_id", item.id}, {"output_index", index},
		{"summary_index", 0}}
	const prefix = "response.reasoning_summary_"
	r.add(prefix+"part.added", append(at, pair{"part",
		summaryPart{"summary_text", ""}})...)
	for _, piece := range item.pieces {
		r.addContent(prefix+"text.delta", append(at,
			pair{"delta", piece.piece}, pair{"obfuscation", "mock"})...)
	}
	r.add(prefix+"text.done", append(at, pair{"text", item.text})...)
	r.add(prefix+"part.done", append(at, pair{"part",
		summaryPart{"summary_text", item.text}})...)
}

func (r *responseStreamer) call(index int, item plannedItem) {
	at := []pair{{"item_id", item.id}, {"output_index", index}}
	const prefix = "response.function_call_arguments."
	for _, piece := range item.pieces {
		r.addContent(prefix+"delta", append(at,
			pair{"delta", piece.piece}, pair{"obfuscation", "mock"})...)
	}
	r.add(prefix+"done", append(at, pair{"name", item.name},
		pair{"arguments", item.text})...)
}

// failedResponse is what the vendor says when it fails after an event: an
// error, then how the response stands.
func failedResponse(s *Step, r response, last *event) []byte {
	number := 0
	if last != nil {
		number = last.number + 1
	}
	e := errorFor(vendorOpenAI, 500, s.Error)
	own := s.Error
	if own == nil {
		own = &ErrorBody{}
	}
	if e.code == "" {
		e.code = "server_error"
	}
	r.Status, r.Error = "failed", responseErrorOf(s)
	told := append([]byte{}, responseEvent("error", number,
		pair{"error", openAIErrorOf(e, own)}).bytes...)
	told = s.styleEvent(vendorOpenAI, told)
	return append(told, s.styleEvent(vendorOpenAI, responseEvent(
		"response.failed", number+1, pair{"response", r}).bytes)...)
}
