// Failbench finds out how a gateway before language models takes it when its
// provider fails: it is the provider, misbehaves by script, asks the gateway as
// a program would, and checks what the program gets.
//
// README.md says how to aim it at a gateway, and what each check means.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

type benchOptions struct {
	gateway     string
	api         string
	key         string
	model       string
	listen      string
	only        string
	patience    time.Duration
	calls       int
	concurrency int
	asJSON      bool
	require     string
	list        bool
}

func parseBenchFlags(args []string, errors io.Writer) (benchOptions, error) {
	var o benchOptions
	f := flag.NewFlagSet("failbench", flag.ContinueOnError)
	f.SetOutput(errors)
	f.Usage = func() {
		fmt.Fprint(errors, "failbench asks a gateway before models as a "+
			"program would, is the provider\nbehind it, and misbehaves.\n\n"+
			"  failbench --gateway http://127.0.0.1:8080\n\n"+
			"Exits with 0 if all was run, 1 if what is required does not "+
			"pass or the gateway\ndoes not answer any more, 2 if it cannot "+
			"be asked.\n\n")
		f.PrintDefaults()
	}
	f.StringVar(&o.gateway, "gateway", "",
		"where the gateway's API is, such as http://127.0.0.1:8080")
	f.StringVar(&o.api, "api", "openai",
		"what the gateway and the provider speak: openai or anthropic")
	f.StringVar(&o.key, "key", "",
		"the gateway's key, if it asks for one; better by FAILBENCH_KEY")
	f.StringVar(&o.model, "model", "failbench",
		"the model that the gateway asks this provider for")
	f.StringVar(&o.listen, "listen", "127.0.0.1:9900",
		"where the provider is, which the gateway is configured with")
	f.StringVar(&o.only, "only", "", "checks to run, with commas; all if empty")
	f.DurationVar(&o.patience, "patience", 30*time.Second,
		"how long a caller waits for anything")
	f.IntVar(&o.calls, "calls", 500, "calls of each check under load")
	f.IntVar(&o.concurrency, "concurrency", 16, "of which so many at once")
	f.BoolVar(&o.asJSON, "json", false, "print the scorecard as JSON")
	f.StringVar(&o.require, "require", "",
		"checks that must pass, with commas, or all that run: otherwise "+
			"exit with 1")
	f.BoolVar(&o.list, "list", false, "say which checks there are")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	// Not as the flag's default, which --help prints.
	if o.key == "" {
		o.key = os.Getenv("FAILBENCH_KEY")
	}
	switch {
	case f.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case o.api != "openai" && o.api != "anthropic":
		return o, fmt.Errorf("--api: %q is neither openai nor anthropic", o.api)
	case o.gateway == "" && !o.list:
		return o, fmt.Errorf("--gateway is required, such as " +
			"http://127.0.0.1:8080; --help shows the flags")
	case o.calls < 1 || o.concurrency < 1:
		return o, fmt.Errorf("--calls and --concurrency must be at least 1")
	case o.patience <= 0:
		return o, fmt.Errorf("--patience must be more than 0, as in 30s")
	}
	o.gateway = strings.TrimRight(o.gateway, "/")
	return o, nil
}

// checksNamed returns the checks of a list with commas; all for "all".
func checksNamed(list string) ([]benchCheck, error) {
	if list == "all" {
		return allChecks, nil
	}
	var found []benchCheck
	for _, name := range strings.Split(list, ",") {
		check, ok := checkNamed(strings.TrimSpace(name))
		if !ok {
			return nil, fmt.Errorf("there is no check %q; --list shows them",
				name)
		}
		found = append(found, check)
	}
	return found, nil
}

func checkNamed(name string) (benchCheck, bool) {
	for _, check := range allChecks {
		if check.name == name {
			return check, true
		}
	}
	return benchCheck{}, false
}

// The exit codes.
const (
	exitDone      = 0
	exitNotPassed = 1
	exitNotAsked  = 2
	// As shells have it for Ctrl-C.
	exitInterrupted = 130
)

// runFailbench returns the exit code.
func runFailbench(running context.Context, args []string,
	stdout, stderr io.Writer) (int, error) {
	o, err := parseBenchFlags(args, stderr)
	if err == flag.ErrHelp {
		return exitDone, nil
	}
	if err != nil {
		return exitNotAsked, err
	}
	if o.list {
		for _, check := range allChecks {
			fmt.Fprintf(stdout, "%-18s %s\n", check.name, check.wants)
		}
		return exitDone, nil
	}
	chosen, required := allChecks, []benchCheck(nil)
	if o.only != "" {
		if chosen, err = checksNamed(o.only); err != nil {
			return exitNotAsked, err
		}
	}
	if o.require != "" {
		// All are those that run.
		if o.require == "all" {
			required = chosen
		} else if required, err = checksNamed(o.require); err != nil {
			return exitNotAsked, err
		}
	}
	bench, err := startBench(running, o)
	if err != nil {
		return exitNotAsked, err
	}
	defer bench.close()
	if err := bench.greet(); err != nil {
		return exitNotAsked, err
	}
	card := bench.runAll(chosen, stderr)
	if err := printCard(card, o, stdout); err != nil {
		return exitNotAsked, err
	}
	if running.Err() != nil {
		return exitInterrupted, fmt.Errorf("ended after %d of %d checks",
			card.Of, len(chosen))
	}
	if !card.isWhole() {
		return exitNotPassed, nil
	}
	for _, check := range required {
		if !card.passed(check.name) {
			return exitNotPassed, nil
		}
	}
	return exitDone, nil
}

func printCard(card *scorecard, o benchOptions, stdout io.Writer) error {
	if o.asJSON {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "  ")
		return e.Encode(card)
	}
	return card.print(stdout)
}

func main() {
	running, stop := signal.NotifyContext(context.Background(), os.Interrupt,
		syscall.SIGTERM)
	// Who asks a second time is obeyed at once.
	go func() {
		<-running.Done()
		stop()
	}()
	stdout, stderr := shownWriter{os.Stdout}, shownWriter{os.Stderr}
	code, err := runFailbench(running, os.Args[1:], stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "failbench:", err)
	}
	os.Exit(code)
}
