package main

import (
	"net/http"
	"sync"
)

// invoice is what a vendor bills: a line for each request that it has worked
// for, whether or not the caller stayed to see it. It is kept with --invoice
// alone, since it grows for ever.
type invoice struct {
	mu    sync.Mutex
	open  int // requests that have not ended
	lines []invoiceLine
}

// invoiceLine is one request. Of an answer that was served whole it has what
// the caller was told; of one that was left or cut all of the prompt, and a
// token of completion for each chunk that was made.
type invoiceLine struct {
	Model     string `json:"model"`
	RequestID string `json:"request_id"` // its header X-Request-Id
	Path      string `json:"path"`
	Outcome   string `json:"outcome"`
	Tokens    Usage  `json:"tokens"`
}

type invoiceReport struct {
	Open  int           `json:"open"`
	Lines []invoiceLine `json:"lines"`
}

// begin says that a request is being worked for.
func (v *invoice) begin() {
	v.mu.Lock()
	v.open++
	v.mu.Unlock()
}

// end adds its line, if there is anything to bill.
func (v *invoice) end(op operation, requestID string, p *player, o outcome) {
	line := invoiceLine{Model: p.answer.model, RequestID: requestID,
		Path: pathNames[op], Outcome: o.String(), Tokens: p.tally.usage}
	if o != outcomeServed {
		line.Tokens = p.step.usageOf()
		line.Tokens.CompletionTokens = p.tally.chunks.Load()
		line.Tokens.ReasoningTokens = 0
	}
	if isEmbedding(op) { // All that they tell, and are billed for.
		line.Tokens = Usage{PromptTokens: line.Tokens.PromptTokens}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.open--
	if isBilled(op, p, o) {
		v.lines = append(v.lines, line)
	}
}

func (v *invoice) report() invoiceReport {
	v.mu.Lock()
	defer v.mu.Unlock()
	return invoiceReport{v.open, append([]invoiceLine{}, v.lines...)}
}

func isEmbedding(op operation) bool {
	return op == opOpenAIEmbeddings || op == opGeminiEmbed ||
		op == opGeminiBatchEmbed || op == opOllamaEmbed
}

// isBilled says whether a vendor asks for money: not for errors, nor for what it
// broke off before it began to answer.
func isBilled(op operation, p *player, o outcome) bool {
	switch op {
	case opOpenAIChat, opOpenAIResponses, opAnthropicMessages,
		opGeminiGenerate, opOllamaChat:
	default:
		if !isEmbedding(op) {
			return false
		}
	}
	if p.answer.status >= http.StatusMultipleChoices {
		return false
	}
	return p.begun || o != outcomeAborted
}
