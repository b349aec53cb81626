package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// bench has the provider, and asks the gateway.
type bench struct {
	options  benchOptions
	running  context.Context // Done when somebody ends the program.
	provider *server
	at       string // Where the provider is.
	client   *http.Client
	// How often a check's calls have used up the patience.
	waited atomic.Int64
}

func startBench(running context.Context, o benchOptions) (*bench, error) {
	provider, err := newServer(options{listen: o.listen, anyRequest: true})
	if err != nil {
		return nil, err
	}
	at, err := provider.listen()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{MaxIdleConnsPerHost: o.concurrency,
		DisableCompression: true}
	// Another place is shown no key, and what it says is not the gateway's.
	stay := func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}
	return &bench{options: o, running: running, provider: provider,
		at: at.HTTP, client: &http.Client{Transport: transport,
			CheckRedirect: stay}}, nil
}

func (b *bench) close() {
	b.client.CloseIdleConnections()
}

// play has the provider answer by the script from now on, and counts anew.
func (b *bench) play(text string) error {
	script, err := parseScript([]byte(text))
	if err != nil {
		return err
	}
	b.provider.stats.reset()
	b.provider.scripts.set(b.options.model, script)
	return nil
}

// asked is how often the provider was asked since play.
func (b *bench) asked() int64 {
	return b.provider.stats.model(b.options.model).started.Load()
}

// greet sees whether the gateway asks this provider at all.
func (b *bench) greet() error {
	if err := b.play(`{"text": "hello"}`); err != nil {
		return err
	}
	told := b.ask(b.plain())
	switch {
	case told.err != nil:
		return fmt.Errorf("%s cannot be asked: %w", b.options.gateway, told.err)
	case told.status != http.StatusOK:
		return fmt.Errorf("%s answers %d for model %q, with the provider at "+
			"%s well: %.300s", b.options.gateway, told.status, b.options.model,
			b.at, told.body)
	case b.asked() == 0:
		return fmt.Errorf("%s answers, and has not asked the provider at %s: "+
			"configure it there, without a cache", b.options.gateway, b.at)
	}
	return nil
}

// recover waits until the gateway answers as if nothing had been, as it does
// at once unless it lets the provider rest. It returns how long that took.
func (b *bench) recover() (time.Duration, bool) {
	const inARow = 3
	begun := time.Now()
	if b.play(`{}`) != nil {
		return 0, false
	}
	for well := 0; well < inARow; {
		if told := b.ask(b.plain()); told.err == nil &&
			told.status == http.StatusOK {
			well++
			continue
		}
		well = 0
		if time.Since(begun) > 2*b.options.patience ||
			b.running.Err() != nil {
			return time.Since(begun), false
		}
		time.Sleep(100 * time.Millisecond)
	}
	return time.Since(begun), true
}

// unwellMax is how many checks in a row may find the gateway not itself: the
// rest is not run, since each would wait as long again.
const unwellMax = 2

// runAll runs the checks, until somebody ends the program.
func (b *bench) runAll(checks []benchCheck, progress io.Writer) *scorecard {
	card := &scorecard{Gateway: b.options.gateway, API: b.options.api}
	unwell := 0
	for _, check := range checks {
		line := scoreLine{Check: check.name, Wants: check.wants,
			Result: resultUnwell}
		if unwell >= unwellMax {
			line.Detail = "not run: it is given up"
		} else if _, well := b.recover(); !well {
			unwell++
			line.Detail = "it does not answer plain calls any more"
		} else {
			unwell = 0
			b.runCheck(check, &line)
		}
		if b.running.Err() != nil {
			break
		}
		fmt.Fprintf(progress, "%-6s %s\n", line.Result, check.name)
		card.add(line)
	}
	return card
}

func (b *bench) runCheck(check benchCheck, line *scoreLine) {
	b.waited.Store(0)
	detail, err := check.run(b)
	line.Asked = b.asked()
	// Whatever is wanted of an answer, it is wanted to come.
	if err == nil && b.waited.Load() > 0 {
		err = fmt.Errorf("the caller still waits after %v", b.options.patience)
	}
	if err == nil && line.Asked == 0 {
		err = fmt.Errorf("the provider was not asked, so that this shows "+
			"nothing: %s", detail)
	}
	if err != nil {
		line.Result, line.Detail = resultFail, err.Error()
		return
	}
	line.Result, line.Detail = resultPass, detail
}
