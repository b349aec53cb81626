package main

// The protobuf messages of the contract, as far as a load driver looks at
// them. Written by hand, so that the driver is the standard library alone.

const (
	generatePath       = "/llmgateway.v1.GatewayService/Generate"
	streamGeneratePath = "/llmgateway.v1.GatewayService/StreamGenerate"

	roleUser        = 1
	outcomeFinished = 1
)

func appendVarint(b []byte, n uint64) []byte {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

func appendBytes(b []byte, number uint64, p []byte) []byte {
	b = appendVarint(b, number<<3|2)
	b = appendVarint(b, uint64(len(p)))
	return append(b, p...)
}

// generateRequest encodes a GenerateRequest with one message of the user.
func generateRequest(model, prompt string) []byte {
	part := appendBytes(nil, 1, []byte(prompt))
	message := appendVarint(nil, 1<<3)
	message = appendVarint(message, roleUser)
	message = appendBytes(message, 2, part)
	request := appendBytes(nil, 1, []byte(model))
	return appendBytes(request, 2, message)
}

func readVarint(p []byte) (uint64, []byte, bool) {
	var n uint64
	for i := 0; i < len(p) && i < 10; i++ {
		n |= uint64(p[i]&0x7f) << (7 * uint(i))
		if p[i] < 0x80 {
			return n, p[i+1:], true
		}
	}
	return 0, nil, false
}

// protoField returns the first field of the number: its bytes, or its value.
func protoField(p []byte, number uint64) (bytes []byte, value uint64,
	found bool) {
	for len(p) > 0 {
		tag, rest, ok := readVarint(p)
		if !ok {
			return nil, 0, false
		}
		var field []byte
		var n uint64
		switch tag & 7 {
		case 0:
			n, rest, ok = readVarint(rest)
		case 1:
			ok = len(rest) >= 8
			if ok {
				rest = rest[8:]
			}
		case 2:
			n, rest, ok = readVarint(rest)
			if ok = ok && n <= uint64(len(rest)); ok {
				field, rest = rest[:n], rest[n:]
			}
		case 5:
			ok = len(rest) >= 4
			if ok {
				rest = rest[4:]
			}
		default:
			ok = false
		}
		if !ok {
			return nil, 0, false
		}
		if tag>>3 == number {
			return field, n, true
		}
		p = rest
	}
	return nil, 0, false
}

// protoPath follows message fields to a string or bytes field.
func protoPath(p []byte, numbers ...uint64) []byte {
	for _, number := range numbers {
		field, _, found := protoField(p, number)
		if !found {
			return nil
		}
		p = field
	}
	return p
}

// answerText is the text of a GenerateResponse's first choice.
func answerText(p []byte) []byte { return protoPath(p, 4, 2, 2, 1) }

// eventText is the text that a GenerateEvent adds.
func eventText(p []byte) []byte { return protoPath(p, 3, 3) }

// eventEnd says whether a GenerateEvent is the last, and a good one.
func eventEnd(p []byte) (last, finished bool) {
	end, _, found := protoField(p, 6)
	if !found {
		return false, false
	}
	_, outcome, _ := protoField(end, 1)
	return true, outcome == outcomeFinished
}
