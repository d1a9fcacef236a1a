package bus

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// connectFunc connects to a broker and subscribes.
type connectFunc func(context.Context, *url.URL, *options, *dialer, *inbox) (broker, error)

var schemes = map[string]connectFunc{
	"nats": connectNATS, "tls": connectNATS,
	"redis": connectRedis, "rediss": connectRedis,
}

// ErrURL is in the chain of the errors about a URL. They never quote it, since it
// may hold a password.
var ErrURL = errors.New("bus: the URL is wrong")

// CheckURL tells what is wrong with a URL, as Open would.
func CheckURL(url string) error {
	_, _, err := parse(url)
	return err
}

// parse checks the URL as far as the clients' own errors would quote it, or would
// not tell what to do.
func parse(raw string) (*url.URL, connectFunc, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: it cannot be read; it must be like nats://user:password@host:4222 or redis://user:password@host:6379, with special characters in the password written as %%40 for @, %%2F for / and so on", ErrURL)
	}
	connect := schemes[u.Scheme]
	switch {
	case connect == nil:
		err = errors.New("it must begin with nats://, tls:// (NATS with TLS), redis:// or rediss:// (Redis with TLS)")
	case u.Hostname() == "":
		err = errors.New("it names no host; write " + u.Scheme + "://host:port")
	case strings.Contains(u.Path+u.RawQuery+u.Fragment, "@"):
		err = errors.New("there is an @ behind the host; write special characters in the password as %40 for @, %2F for / and so on")
	case (u.Scheme == "nats" || u.Scheme == "tls") && strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "":
		err = errors.New("for NATS nothing may follow the host and port")
	default:
		return u, connect, nil
	}
	return nil, nil, fmt.Errorf("%w: %w", ErrURL, err)
}
