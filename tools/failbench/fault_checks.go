package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

func checkReason(b *bench) (string, error) {
	const reason = "the parameter frobnicate is too high for this model"
	err := b.play(`{"status": 400, "error": {"message": "` + reason + `"}}`)
	if err != nil {
		return "", err
	}
	t := b.ask(b.plain())
	if err := wantStatus(t, http.StatusBadRequest); err != nil {
		return "", err
	}
	if !strings.Contains(t.body, reason) {
		return "", fmt.Errorf("its words are not in %.300s", t.body)
	}
	return "", nil
}

func checkRefusedOnce(b *bench) (string, error) {
	if err := b.play(`{"status": 400}`); err != nil {
		return "", err
	}
	t := b.ask(b.plain())
	if t.err != nil || t.status == http.StatusOK {
		return "", fmt.Errorf("status %d, %v", t.status, t.err)
	}
	if n := b.asked(); n != 1 {
		return "", fmt.Errorf("the provider was asked %d times", n)
	}
	return "", nil
}

func checkRetryAfter(b *bench) (string, error) {
	if err := b.play(`{"status": 429, "retry_after": "2"}`); err != nil {
		return "", err
	}
	t := b.ask(b.plain())
	if err := wantStatus(t, http.StatusTooManyRequests); err != nil {
		return "", err
	}
	if t.header.Get("Retry-After") == "" {
		return "", fmt.Errorf("no retry-after")
	}
	return "retry-after: " + t.header.Get("Retry-After"), nil
}

// checkHealed plays a script whose first step fails, and wants the answer of
// the second.
func checkHealed(b *bench, fault string) (string, error) {
	script := fmt.Sprintf(`[%s, {"text": "second"}]`, fault)
	if err := b.play(script); err != nil {
		return "", err
	}
	return "", wantText(b.ask(b.plain()), "second")
}

func checkRetry503(b *bench) (string, error) {
	return checkHealed(b, `{"status": 503}`)
}

func checkRetryReset(b *bench) (string, error) {
	return checkHealed(b, `{"reset_before_first_byte": true}`)
}

func checkReusedConnection(b *bench) (string, error) {
	err := b.play(`{"text": "there", "close_after_answer": true}`)
	if err != nil {
		return "", err
	}
	for i := 0; i < 20; i++ {
		if err := wantText(b.ask(b.plain()), "there"); err != nil {
			return "", fmt.Errorf("call %d of 20: %w", i+1, err)
		}
	}
	return "", nil
}

func checkBrokenStream(b *bench, fault string) (string, error) {
	err := b.play(fmt.Sprintf(`{"text": %q, "chunks": 10, %s}`, longText,
		fault))
	if err != nil {
		return "", err
	}
	return wantNoCleanEnd(b.ask(b.streamed()))
}

func checkCutStream(b *bench) (string, error) {
	return checkBrokenStream(b, `"reset_after_chunks": 5`)
}

func checkSilentEnd(b *bench) (string, error) {
	return checkBrokenStream(b, `"end_after_chunks": 5`)
}

func checkErrorEvent(b *bench) (string, error) {
	err := b.play(`{"text": "one two three four", "error_after_chunks": 2}`)
	if err != nil {
		return "", err
	}
	t := b.ask(b.streamed())
	if t.status == http.StatusOK && !t.errorEvent {
		return "", fmt.Errorf("no error in %.300s", tail(t.body))
	}
	return "", nil
}

func checkCutAnswer(b *bench) (string, error) {
	script := fmt.Sprintf(`{"text": %q, "close_after_chunks": 1}`, longText)
	if err := b.play(script); err != nil {
		return "", err
	}
	t := b.ask(b.plain())
	if t.err == nil && t.status == http.StatusOK {
		return "", fmt.Errorf("status 200 with %.200q", t.body)
	}
	return t.said(), nil
}

func checkHTML(b *bench) (string, error) {
	if err := b.play(`{"garbage": "html"}`); err != nil {
		return "", err
	}
	t := b.ask(b.plain())
	if t.err == nil && t.status == http.StatusOK {
		return "", fmt.Errorf("status 200 with %.100q", t.body)
	}
	return t.said(), nil
}

func checkHangUp(b *bench) (string, error) {
	const within = 2 * time.Second
	err := b.play(`{"chunks": 400, "chunk_bytes": 16, "chunk_delay_ms": 50}`)
	if err != nil {
		return "", err
	}
	t := b.askUntil(b.streamed(), func(t *told) bool { return t.events >= 5 })
	if t.events < 5 {
		return "", fmt.Errorf("no stream: status %d, %v", t.status, t.err)
	}
	left := time.Now()
	model := b.provider.stats.model(b.options.model)
	heard := b.provider.stats.await(within, func() bool {
		return model.cancelled.Load() > 0
	})
	if !heard {
		return "", fmt.Errorf("the provider is still at work after %v", within)
	}
	return fmt.Sprintf("after %d ms", time.Since(left).Milliseconds()), nil
}

func checkAmplification(b *bench) (string, error) {
	const mostEach = 4
	if err := b.play(`{"status": 503}`); err != nil {
		return "", err
	}
	const calls = 5
	for i := 0; i < calls; i++ {
		if t := b.ask(b.plain()); t.status == http.StatusOK {
			return "", fmt.Errorf("status 200 with %.200q", t.body)
		}
	}
	asked := b.asked()
	detail := fmt.Sprintf("%d calls, asked %d times", calls, asked)
	if asked > calls*mostEach {
		return "", fmt.Errorf("%s", detail)
	}
	return detail, nil
}

func checkStall(b *bench) (string, error) {
	script := fmt.Sprintf(`{"text": %q, "chunks": 10, "stall_after_chunks": 3}`,
		longText)
	if err := b.play(script); err != nil {
		return "", err
	}
	t := b.ask(b.streamed())
	if t.waited {
		return "", fmt.Errorf("the caller still waits after %v: set the "+
			"gateway's idle time-out, or --patience", b.options.patience)
	}
	how, err := wantNoCleanEnd(t)
	return fmt.Sprintf("after %.1f s: %s", t.took.Seconds(), how), err
}
