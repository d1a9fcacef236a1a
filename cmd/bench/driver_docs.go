package main

import (
	"context"
	"fmt"

	"github.com/valet-go/valet/loop"
)

// manyDocuments is how fast the -rows documents of a MongoDB cursor are read and
// decoded, one by one, and how late other things run meanwhile. With valet they
// come by Cursor.Each and are decoded on the loop, with typed they come by
// mongo.Each, decoded. The memory that it takes, which does not grow with the
// number of documents, is in the peak RSS.
func manyDocuments() measure {
	timerP50, timerP99, timerMax := lateBy("timer", func(s sample) lateness { return s.TimerLag })
	return measure{
		peer:     docsPeer{},
		paths:    []string{"native", "sock", "valet", "typed"},
		uses:     []string{"rows", "tls", "cpuprofile"},
		defaults: map[string]string{"path": "native,valet,typed", "rows": "1000000"},
		unit:     "document",
		columns: []figure{
			perSecond("docs/s"), cpuPer("doc", "%.2f"), timerP50, timerP99, timerMax, allocsPer("doc"), rss,
		},
		ratios: []figure{perSecond("docs/s"), cpuPer("doc", "%.2f"), rss},
		about:  func(cfg config, _ cell) string { return fmt.Sprintf("%d documents of one cursor", cfg.rows) },
		run:    runDocs,
	}
}

// docsReaders are how a path reads, and over which one's connections.
var docsReaders = map[string]struct {
	sockets string
	open    func(at target, l *loop.Loop, dial dialFunc) (rowReader, error)
}{
	"native": {"native", docsOnGoroutine},
	"sock":   {"sock", docsOnGoroutine},
	"valet":  {"valet", docsByCursor},
	"typed":  {"valet", docsDecoded},
}

func runDocs(ctx context.Context, sp spec) (sample, error) {
	r := docsReaders[sp.Path]
	return runReader(ctx, sp, r.sockets, func(l *loop.Loop, dial dialFunc) (rowReader, error) {
		return r.open(sp.Target, l, dial)
	})
}

// docsPeer is a MongoDB server that has the documents.
type docsPeer struct{}

func (docsPeer) serve(ctx context.Context, env *environment) (*server, error) {
	srv, err := mongoDriver{}.serve(ctx, env)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(env.notes, "bench: storing %d documents\n", env.rows)
	if err := storeDocs(ctx, srv.at, env.rows); err != nil {
		srv.stop()
		return nil, err
	}
	return srv, nil
}

func (docsPeer) prepare(context.Context, target) (func(), error) { return func() {}, nil }
