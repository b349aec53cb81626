package main

import (
	"fmt"
	"io"
	"strings"
)

// The results of a check.
const (
	resultPass = "pass"
	resultFail = "fail"
	// The gateway was not itself again after the check before.
	resultUnwell = "unwell"
)

// scoreLine is what became of one check.
type scoreLine struct {
	Check  string `json:"check"`
	Wants  string `json:"wants"`
	Result string `json:"result"`
	// Why not, or what was measured.
	Detail string `json:"detail,omitempty"`
	// How often the provider was asked.
	Asked int64 `json:"asked"`
}

type scorecard struct {
	Gateway string      `json:"gateway"`
	API     string      `json:"api"`
	Passed  int         `json:"passed"`
	Of      int         `json:"of"`
	Lines   []scoreLine `json:"checks"`
}

func (c *scorecard) add(line scoreLine) {
	c.Lines = append(c.Lines, line)
	c.Of++
	if line.Result == resultPass {
		c.Passed++
	}
}

func (c *scorecard) passed(name string) bool {
	for _, line := range c.Lines {
		if line.Check == name {
			return line.Result == resultPass
		}
	}
	return false
}

// isWhole is whether the gateway was itself for each check.
func (c *scorecard) isWhole() bool {
	for _, line := range c.Lines {
		if line.Result == resultUnwell {
			return false
		}
	}
	return true
}

func (c *scorecard) print(out io.Writer) error {
	var text strings.Builder
	for _, line := range c.Lines {
		fmt.Fprintf(&text, "%-6s %-18s %s\n", line.Result, line.Check,
			line.Wants)
		if line.Detail != "" {
			fmt.Fprintf(&text, "%-25s   %s\n", "", line.Detail)
		}
	}
	fmt.Fprintf(&text, "\n%d of %d\n", c.Passed, c.Of)
	_, err := io.WriteString(out, text.String())
	return err
}
