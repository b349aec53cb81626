package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// benchCheck is one thing that is expected of a gateway. It returns what it has
// measured, if anything; an error says what the caller got instead.
type benchCheck struct {
	name  string
	wants string
	run   func(b *bench) (string, error)
}

// allChecks are in the order in which they run: what harms most comes last.
var allChecks = []benchCheck{
	{"answer", "an answer reaches the caller as it is", checkAnswer},
	{"usage", "the provider's count of tokens reaches the caller", checkUsage},
	{"stream", "a stream comes as the provider sends it", checkStream},
	{"stream_end", "a stream that is whole ends once, in the API's words",
		checkStreamEnd},
	{"cut_characters", "characters that packets cut are whole",
		checkCutCharacters},
	{"line_endings", "CRLF, comments and byte order marks are read",
		checkLineEndings},
	{"large_event", "an event of 10 MB passes, or fails in words",
		checkLargeEvent},
	{"large_request", "a prompt of 2 MB passes", checkLargeRequest},
	{"slow_first_byte", "a provider that thinks for 2 s is waited for",
		checkSlowFirstByte},
	{"reason", "the provider's reason for a refusal reaches the caller",
		checkReason},
	{"refused_once", "what the provider calls wrong is not asked again",
		checkRefusedOnce},
	{"retry_after", "a limit of the provider is told with its retry-after",
		checkRetryAfter},
	{"retry_503", "a provider that is unavailable once is asked again",
		checkRetry503},
	{"retry_reset", "a connection that breaks before an answer is made anew",
		checkRetryReset},
	{"reused_connection", "a kept connection that is closed costs no call",
		checkReusedConnection},
	{"cut_stream", "a stream that breaks off does not look complete",
		checkCutStream},
	{"silent_end", "a stream that just ends does not look complete",
		checkSilentEnd},
	{"error_event", "an error within a stream reaches the caller",
		checkErrorEvent},
	{"cut_answer", "half of an answer is not passed off as one",
		checkCutAnswer},
	{"html", "a page of HTML with status 200 is not passed off as an answer",
		checkHTML},
	{"hang_up", "who hangs up stops the provider's work within 2 s",
		checkHangUp},
	{"amplification", "a provider that is down is asked at most 4 times a call",
		checkAmplification},
	{"load", "under load every call is answered", checkLoad},
	{"stream_load", "under load every stream is whole", checkStreamLoad},
	{"load_with_faults", "under load one failure in ten costs no call",
		checkLoadWithFaults},
	{"stall", "a stream that falls silent is given up within the patience",
		checkStall},
}

const longText = "The quick brown fox jumps over the lazy dog and then sits " +
	"down to think about what it has done with its day so far."

// wantText is an error unless the answer is whole and has the text.
func wantText(t told, want string) error {
	if err := wantStatus(t, http.StatusOK); err != nil {
		return err
	}
	text, ok := t.wholeText()
	if !ok {
		return fmt.Errorf("no answer in the API's form: %.200s", t.body)
	}
	if text != want {
		return fmt.Errorf("another text: %.200q", text)
	}
	return nil
}

func wantStatus(t told, want int) error {
	if t.waited {
		return fmt.Errorf("the caller still waits after %.1f s",
			t.took.Seconds())
	}
	if t.err != nil {
		return fmt.Errorf("the call broke off: %v", t.err)
	}
	if t.status != want {
		return fmt.Errorf("status %d: %.200s", t.status, t.body)
	}
	return nil
}

// wantStream is an error unless the stream is whole and has the text.
func wantStream(t told, want string) error {
	if err := wantStatus(t, http.StatusOK); err != nil {
		return err
	}
	switch {
	case t.errorEvent:
		return fmt.Errorf("an error in the stream: %.300s", tail(t.body))
	case !t.ended:
		return fmt.Errorf("no proper end: %.300s", tail(t.body))
	case t.text != want:
		return fmt.Errorf("another text: %.200q", t.text)
	}
	return nil
}

// wantNoCleanEnd is an error if the caller takes the stream for complete.
func wantNoCleanEnd(t told) (string, error) {
	if t.status != http.StatusOK {
		return t.said(), nil
	}
	if t.ended && !t.errorEvent {
		return "", fmt.Errorf("it ends as a complete one does: %.300s",
			tail(t.body))
	}
	if t.errorEvent {
		return "told by an event", nil
	}
	if t.err != nil {
		return "the connection breaks off", nil
	}
	if t.events == 0 {
		return "", fmt.Errorf("status 200 and no event of a stream: %.100q",
			t.body)
	}
	return "without its end marker", nil
}

func tail(text string) string {
	const most = 300
	if len(text) > most {
		return "..." + text[len(text)-most:]
	}
	return text
}

func checkAnswer(b *bench) (string, error) {
	const text = "Grüße, 世界 \U0001f680 \"quoted\" \\ and\nlines."
	if err := b.play(`{"text": ` + string(toJSON(text)) + `}`); err != nil {
		return "", err
	}
	return "", wantText(b.ask(b.plain()), text)
}

func checkUsage(b *bench) (string, error) {
	err := b.play(`{"text": "yes", "usage": {"prompt_tokens": 1234,
		"completion_tokens": 56, "cached_tokens": 1000}}`)
	if err != nil {
		return "", err
	}
	t := b.ask(b.plain())
	if err := wantText(t, "yes"); err != nil {
		return "", err
	}
	want := toldUsage{input: 1234, output: 56, cached: 1000}
	if b.options.api == "anthropic" {
		want.input -= want.cached
	}
	if found := usageIn(b.options.api, t.body); found != want {
		return "", fmt.Errorf("%v, and not %v, in %.300s", found, want,
			tail(t.body))
	}
	return "", nil
}

func checkStream(b *bench) (string, error) {
	const chunks, delay = 20, 50 * time.Millisecond
	err := b.play(fmt.Sprintf(`{"text": %q, "chunks": %d, "chunk_delay_ms": %d}`,
		longText, chunks, delay.Milliseconds()))
	if err != nil {
		return "", err
	}
	t := b.ask(b.streamed())
	if err := wantStream(t, longText); err != nil {
		return "", err
	}
	detail := fmt.Sprintf("first event after %d ms of %d",
		t.firstEvent.Milliseconds(), t.took.Milliseconds())
	if t.firstEvent > t.took/2 {
		return "", fmt.Errorf("it was held back: %s", detail)
	}
	return detail, nil
}

func checkStreamEnd(b *bench) (string, error) {
	if err := b.play(`{"text": "one two three"}`); err != nil {
		return "", err
	}
	t := b.ask(b.streamed())
	if err := wantStream(t, "one two three"); err != nil {
		return "", err
	}
	marker := "data: [DONE]"
	if b.options.api == "anthropic" {
		marker = `"message_stop"`
	}
	if n := strings.Count(t.body, marker); n != 1 {
		return "", fmt.Errorf("%d times %s", n, marker)
	}
	return "", nil
}

func checkCutCharacters(b *bench) (string, error) {
	const text = "世界 \U0001f680\U0001f680 äöü"
	err := b.play(`{"split_bytes": 1, "text": ` + string(toJSON(text)) + `}`)
	if err != nil {
		return "", err
	}
	return "", wantStream(b.ask(b.streamed()), text)
}

func checkLineEndings(b *bench) (string, error) {
	for _, style := range []string{`"line_ending": "crlf"`,
		`"comments": 2, "no_space": true`, `"bom": true`} {
		err := b.play(fmt.Sprintf(`{"text": "one two three", %s}`, style))
		if err != nil {
			return "", err
		}
		err = wantStream(b.ask(b.streamed()), "one two three")
		if err != nil {
			return "", fmt.Errorf("%s: %w", style, err)
		}
	}
	return "", nil
}

func checkLargeEvent(b *bench) (string, error) {
	if err := b.play(`{"garbage": "huge_line"}`); err != nil {
		return "", err
	}
	t := b.ask(b.streamed())
	if t.status == http.StatusOK && t.ended && !t.errorEvent {
		return "it passes", nil
	}
	if t.status != http.StatusOK && t.status != 0 {
		return t.said(), nil
	}
	if t.errorEvent {
		return "told by an event", nil
	}
	return "", fmt.Errorf("the stream breaks off without a word: %v", t.err)
}

func checkLargeRequest(b *bench) (string, error) {
	if err := b.play(`{"text": "read"}`); err != nil {
		return "", err
	}
	r := b.plain()
	r.Messages[0]["content"] = strings.Repeat("All work and no play. ", 100000)
	return "", wantText(b.ask(r), "read")
}

func checkSlowFirstByte(b *bench) (string, error) {
	err := b.play(`{"text": "at last", "first_byte_delay_ms": 2000}`)
	if err != nil {
		return "", err
	}
	return "", wantText(b.ask(b.plain()), "at last")
}
