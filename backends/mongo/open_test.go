package mongo_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/backends/mongo"
	"github.com/valet-go/valet/loop"
)

func newAdapter(t *testing.T) *adapter.Adapter {
	t.Helper()
	l, err := loop.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return adapter.New(l)
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	a := newAdapter(t)
	uri := options.Client().ApplyURI("mongodb://127.0.0.1:1/")
	for _, test := range []struct {
		opts *options.ClientOptions
		opt  mongo.Option
		want string // in the error
	}{
		{options.Client().ApplyURI("http://127.0.0.1/"), mongo.WithQueue(1), "scheme"},
		{options.Client().ApplyURI("mongodb://"), mongo.WithQueue(1), ""},
		{options.Client().ApplyURI("mongodb://127.0.0.1/?directConnection=maybe"), mongo.WithQueue(1), "directConnection"},
		{uri, mongo.WithQueue(-1), "WithQueue(-1)"},
	} {
		c, err := mongo.Open(a, test.opts, test.opt)
		if err == nil {
			c.Disconnect(context.Background(), nil)
		}
		if err == nil || c != nil || !strings.HasPrefix(err.Error(), "valet/mongo: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want an error with %q", test.opts.GetURI(), err, test.want)
		}
	}
	// None of them has left a backend.
	for deadline := time.Now().Add(10 * time.Second); len(a.AllStats()) > 1; time.Sleep(time.Millisecond) { // polls
		if time.Now().After(deadline) {
			t.Fatalf("there are backends left: %+v", a.AllStats())
		}
	}
}

// refusing is a dialer that has no network.
type refusing struct{}

var errDial = errors.New("test: no network")

func (refusing) DialContext(context.Context, string, string) (net.Conn, error) { return nil, errDial }

func TestOpenLeavesADialerAlone(t *testing.T) {
	opts := options.Client().ApplyURI("mongodb://127.0.0.1:1/").
		SetDialer(refusing{}).SetServerSelectionTimeout(50 * time.Millisecond)
	client, err := mongo.Open(newAdapter(t), opts)
	if err != nil {
		t.Fatal(err)
	}
	err = adapter.WaitErr(func(cb func(error)) { client.Connect(context.Background(), cb) })
	if err == nil || !strings.Contains(err.Error(), errDial.Error()) {
		t.Errorf("Connect: %v, want %v", err, errDial)
	}
	if err := adapter.WaitErr(func(cb func(error)) { client.Disconnect(context.Background(), cb) }); err != nil {
		t.Error(err)
	}
}

func TestOpenDoesNotChangeTheOptions(t *testing.T) {
	opts := options.Client().ApplyURI("mongodb://127.0.0.1:1/").SetServerSelectionTimeout(50 * time.Millisecond)
	client, err := mongo.Open(newAdapter(t), opts)
	if err != nil {
		t.Fatal(err)
	}
	if opts.Dialer != nil {
		t.Error("Open set a dialer in the caller's options")
	}
	// Nobody listens there, which is reported in time.
	if err := adapter.WaitErr(func(cb func(error)) { client.Connect(context.Background(), cb) }); err == nil {
		t.Error("Connect succeeded")
	}
	if err := adapter.WaitErr(func(cb func(error)) { client.Disconnect(context.Background(), cb) }); err != nil {
		t.Error(err)
	}
}
