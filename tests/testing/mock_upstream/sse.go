package main

import (
	"bytes"
	"encoding/json"
)

// dataEvent is an event as OpenAI writes it.
func dataEvent(json []byte) []byte {
	e := make([]byte, 0, len(json)+8)
	e = append(e, "data: "...)
	e = append(e, json...)
	return append(e, "\n\n"...)
}

// namedEvent is an event as Anthropic writes it.
func namedEvent(name string, body interface{}, content bool) event {
	e := append([]byte("event: "+name+"\n"), dataEvent(toJSON(body))...)
	return event{bytes: e, content: content}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// styleEvents rewrites the events in the step's manner: same meaning to a
// reader that keeps to the standard.
func styleEvents(s *Step, c call, parts []segment) []segment {
	if c.vendor == vendorOllama {
		return parts
	}
	for i := range parts {
		var events []event
		for _, e := range parts[i].events {
			if e.content {
				for k := 0; k < s.Comments; k++ {
					events = append(events, event{bytes: c.vendor.comment()})
				}
				for k := 0; k < s.Pings && c.vendor == vendorAnthropic; k++ {
					events = append(events, pingEvent())
				}
			}
			events = append(events, e)
		}
		for k := range events {
			events[k].bytes = s.styleEvent(c.vendor, events[k].bytes)
		}
		parts[i].events = events
	}
	if s.Bom {
		first := &parts[0].events[0]
		first.bytes = append(append([]byte{}, byteOrderMark...),
			first.bytes...)
	}
	return parts
}

// styleEvent applies the writing style to one event with LF line endings.
func (s *Step) styleEvent(v vendor, e []byte) []byte {
	if s.MultiLineData {
		e = spreadData(e)
	}
	if s.NoSpace {
		e = bytes.ReplaceAll(e, []byte("data: "), []byte("data:"))
		e = bytes.ReplaceAll(e, []byte("event: "), []byte("event:"))
	}
	ending := s.LineEnding
	if ending == "" {
		ending = v.lineEnding()
	}
	switch ending {
	case "crlf":
		return bytes.ReplaceAll(e, []byte("\n"), []byte("\r\n"))
	case "cr":
		return bytes.ReplaceAll(e, []byte("\n"), []byte("\r"))
	case "mixed":
		// CR then LF would read as one ending, so CR never precedes LF.
		endings := []string{"\r\n", "\n", "\r", "\r\n"}
		var b bytes.Buffer
		for i, line := range bytes.SplitAfter(e, []byte("\n")) {
			if cut := bytes.TrimSuffix(line, []byte("\n")); len(cut) !=
				len(line) {
				b.Write(cut)
				b.WriteString(endings[i%len(endings)])
			}
		}
		return b.Bytes()
	}
	return e
}

// spreadData writes an event's JSON over several data lines.
func spreadData(e []byte) []byte {
	at := bytes.Index(e, []byte("data: "))
	if at < 0 {
		return e
	}
	text := bytes.TrimSuffix(e[at+len("data: "):], []byte("\n\n"))
	var indented bytes.Buffer
	if json.Indent(&indented, text, "", " ") != nil {
		return e
	}
	out := append([]byte{}, e[:at]...)
	for _, line := range bytes.Split(indented.Bytes(), []byte("\n")) {
		out = append(out, "data: "...)
		out = append(out, line...)
		out = append(out, '\n')
	}
	return append(out, '\n')
}

// errorEvent is what the vendor sends when it fails after the event `last`, or
// before any if that is nil.
func (a *answer) errorEvent(last *event) []byte {
	if a.failure != nil {
		return a.failure(last)
	}
	status := 500
	if a.vendor == vendorAnthropic {
		status = 529
	}
	body := errorBody(a.vendor, status, a.step.Error)
	switch {
	case a.vendor == vendorOllama:
		return a.vendor.frame(body)
	case a.vendor == vendorOpenRouter:
		body = openRouterErrorChunk(a.model, body)
	case a.vendor == vendorAnthropic:
		return a.step.styleEvent(a.vendor,
			append([]byte("event: error\n"), dataEvent(body)...))
	case a.step.Error != nil && a.step.Error.Bare:
		var indented bytes.Buffer
		if json.Indent(&indented, body, "", "  ") == nil {
			return append(indented.Bytes(), '\n')
		}
	}
	return a.step.styleEvent(a.vendor, dataEvent(body))
}
