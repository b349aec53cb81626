package main

import "time"

// shaper cuts the body into the pieces that a step asks for and sends each by
// itself. Cuts fall at positions of the whole body, whatever its events.
type shaper struct {
	x     exchange
	every int // 0: leave pieces as they come
	at    int // 0: no single cut
	delay time.Duration
	group int    // events joined into one write
	held  []byte // written here, not sent yet
	count int    // events in held
	begun bool   // something has been sent
}

func newShaper(x exchange, s *Step) shaper {
	h := shaper{x: x, every: s.SplitBytes, at: s.SplitAt,
		delay: milliseconds(s.SplitDelayMs), group: s.EventsPerWrite}
	if s.DripMs > 0 {
		h.every, h.delay = 1, milliseconds(s.DripMs)
	}
	if s.Garbage == "split_code_point" {
		h.every = 1
	}
	return h
}

// active says that bytes may leave later than they are written here.
func (h *shaper) active() bool {
	return h.every > 0 || h.at > 0 || h.group > 1
}

func (h *shaper) write(p []byte) error {
	if !h.active() {
		if len(p) == 0 {
			return nil
		}
		return h.x.Body(p)
	}
	h.held = append(h.held, p...)
	h.count++
	switch {
	case h.every > 0:
		return h.sendEvery()
	case h.at > 0 && h.begun:
		return h.flush()
	case h.at > 0 && len(h.held) > h.at:
		if err := h.send(h.held[:h.at]); err != nil {
			return err
		}
		h.held = h.held[h.at:]
		return h.flush()
	case h.group > 1 && h.count >= h.group:
		return h.flush()
	}
	return nil
}

func (h *shaper) sendEvery() error {
	rest := h.held
	for len(rest) >= h.every {
		if err := h.send(rest[:h.every]); err != nil {
			return err
		}
		rest = rest[h.every:]
	}
	h.held = append(h.held[:0], rest...)
	return nil
}

func (h *shaper) send(p []byte) error {
	if h.begun && h.delay > 0 {
		if err := h.x.Pause(h.delay); err != nil {
			return err
		}
	}
	h.begun = true
	return h.x.Body(p)
}

// flushEvents sends what only waited for company.
func (h *shaper) flushEvents() error {
	if h.every > 0 || h.at > 0 {
		return nil
	}
	return h.flush()
}

func (h *shaper) flush() error {
	if len(h.held) == 0 {
		return nil
	}
	err := h.send(h.held)
	h.held, h.count = h.held[:0], 0
	return err
}
