package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// Mongo is a running server that speaks the MongoDB wire protocol.
type Mongo struct {
	uri    string
	cancel context.CancelFunc
	closed func() error
}

// StartMongo starts FerretDB with its data in dir, which must exist and stays
// the caller's: Close does not remove it. The server ends when ctx does or when
// it is closed, whichever is first; Close has to be called in both cases to
// wait for the end.
func StartMongo(ctx context.Context, dir string) (*Mongo, error) {
	f, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:    slog.New(slog.DiscardHandler),
		Handler:   "sqlite",
		SQLiteURL: "file:" + dir + "/",
	})
	if err != nil {
		return nil, fmt.Errorf("embedded: start FerretDB in %s: %w", dir, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- f.Run(ctx) }()
	return &Mongo{
		uri:    f.MongoDBURI(),
		cancel: cancel,
		closed: sync.OnceValue(func() error {
			if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
				return fmt.Errorf("embedded: FerretDB: %w", err)
			}
			return nil
		}),
	}, nil
}

// URI is the connection string, such as mongodb://127.0.0.1:40123/. Any
// goroutine may call it.
func (m *Mongo) URI() string { return m.uri }

// Close stops the server and waits until its port is closed, its connections
// are gone and its files are no longer in use. FerretDB gives clients that are
// still connected three seconds to leave: disconnect them first. Any goroutine
// may call it, more than once.
func (m *Mongo) Close() error {
	m.cancel()
	return m.closed()
}
