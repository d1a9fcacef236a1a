package chat

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/valet-go/valet/loop/httploop"
)

// DefaultName is what the tables and the database are named by.
const DefaultName = "valet_demo_chat"

// Options of [Open]. The zero value is ready.
type Options struct {
	// Name is MongoDB's database, and begins the names of MySQL's tables:
	// DefaultName if empty. At most 48 letters, digits and _.
	Name string
	// Writers is how many rooms may be written to at once, each over a
	// connection of MySQL's: 1 if zero. More need a server whose transactions
	// lock rows, as MySQL's do, and go-mysql-server's do not.
	Writers int
	// Poll is how long a client waits for news before it gets an answer
	// without: 25 s if zero.
	Poll time.Duration
	// Bus connects other processes; nil: this is the only one.
	Bus Bus
	// Fallback answers requests for paths that are none of the chat's, on its
	// loop, and must not block; nil: they get 404. Security headers are set
	// already, and may be set anew.
	Fallback func(x *httploop.Exchange)
	// Logger hears what goes wrong: slog.Default() if nil.
	Logger *slog.Logger
}

var goodName = regexp.MustCompile(`^[A-Za-z0-9_]{1,48}$`)

// complete checks the options, and puts the defaults in.
func (o *Options) complete() error {
	if o.Name == "" {
		o.Name = DefaultName
	}
	if o.Writers == 0 {
		o.Writers = 1
	}
	if o.Poll == 0 {
		o.Poll = 25 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	switch {
	case !goodName.MatchString(o.Name):
		return fmt.Errorf("chat: Options.Name %q: at most 48 letters, digits and _", o.Name)
	case o.Writers < 0:
		return errors.New("chat: Options.Writers is negative")
	case o.Poll < 0:
		return errors.New("chat: Options.Poll is negative")
	}
	return nil
}
