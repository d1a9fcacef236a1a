package chat

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of what clients send, in characters.
const (
	MaxNick = 24
	MaxRoom = 32
	MaxText = 2000

	maxID = 64 // of the name that a client gives to a message
)

// refusal is an error of the client's, or of ours, as it is told to the client.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func badRequest(format string, args ...any) error {
	return &refusal{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

// cleanNick returns a nickname without superfluous spaces. What cannot be seen,
// or changes the order of the letters around it, is not allowed.
func cleanNick(s string) (string, error) {
	s = strings.Join(strings.Fields(s), " ")
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return "", badRequest("choose a nickname")
	case n > MaxNick:
		return "", badRequest("a nickname has at most %d characters; this one has %d", MaxNick, n)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", badRequest("a nickname consists of letters, digits, signs and spaces")
	}
	return s, nil
}

// cleanRoom returns a room's name in lower case, so that Lobby is the lobby.
func cleanRoom(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	n := utf8.RuneCountInString(s)
	wrong := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '-' && r != '_'
	}
	if n == 0 || n > MaxRoom || !utf8.ValidString(s) || strings.ContainsFunc(s, wrong) {
		return "", badRequest("a room's name has 1 to %d letters, digits, - or _", MaxRoom)
	}
	return s, nil
}

// cleanText returns a message's text without spaces at its ends.
func cleanText(s string) (string, error) {
	s = strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n"))
	wrong := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return "", badRequest("the message is empty")
	case n > MaxText:
		return "", badRequest("a message has at most %d characters; this one has %d", MaxText, n)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, wrong):
		return "", badRequest("a message is text, without control characters")
	}
	return s, nil
}

// checkID checks the name that a client gave to a message.
func checkID(s string) error {
	wrong := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '-'
	}
	if s == "" || len(s) > maxID || strings.ContainsFunc(s, wrong) {
		return badRequest("a message's id has 1 to %d of the letters a to z, digits and -", maxID)
	}
	return nil
}

var (
	errClosing = &refusal{http.StatusServiceUnavailable, "the chat is closing"}
	errBusy    = &refusal{http.StatusServiceUnavailable, "too busy; try again"}

	// errNumbers would be a mistake of ours: under its lock a room ran into
	// numbers that were taken, again and again.
	errNumbers = errors.New("chat: no free number for a message")
)
