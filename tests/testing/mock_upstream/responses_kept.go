package main

import (
	"net/http"
	"strings"
	"sync"
)

// kept has the responses that are stored, by id, with the key that asked for
// each. One that runs in the background stays queued until it is cancelled.
var kept sync.Map

func keep(r response) {
	if !strings.HasSuffix(r.ID, notStored) {
		kept.Store(r.ID, r)
	}
}

// keptAnswer serves what is below /v1/responses/.
func keptAnswer(c call, r *request) *answer {
	id, below, _ := strings.Cut(
		r.path[strings.Index(r.path, responsesPrefix)+len(responsesPrefix):], "/")
	found, ok := kept.Load(id)
	if !ok {
		return refusal(c, complaint{status: http.StatusNotFound,
			message: "Response with id '" + id + "' not found."})
	}
	stored := found.(response)
	var body []byte
	switch r.method + " " + below {
	case "GET ":
		body = toJSON(stored)
	case "DELETE ":
		kept.Delete(id)
		body = []byte(`{"id":"` + id + `","object":"response","deleted":true}`)
	case "GET input_items":
		body = []byte(`{"object":"list","data":[],"has_more":false,` +
			`"first_id":"","last_id":"","query":"` + r.query + `"}`)
	case "POST cancel":
		if !stored.Background {
			return refusal(c, complaint{status: http.StatusBadRequest,
				message: "Cannot cancel a synchronous response."})
		}
		stored.Status = "cancelled"
		kept.Store(id, stored)
		body = toJSON(stored)
	default:
		return refusal(c, complaint{status: http.StatusMethodNotAllowed,
			message: "Method not allowed."})
	}
	text := string(body)
	return render(&Step{Body: &text}, c)
}
