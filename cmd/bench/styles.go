package main

import (
	"context"
	"embed"
	"go/parser"
	"go/scanner"
	"go/token"
)

// style is one way to store the state of a client that waits.
type style struct {
	name, label string
	source      string // the file with its handler
	http        bool   // not the line protocol
	start       func(context.Context) (*pollServer, error)
}

// styles are in the order of the slide that the chart is drawn after.
var styles = []style{
	{"thread", "OS threads", "style_thread.go", false, pollThreads},
	{"nethttp", "goroutines: net/http", "style_nethttp.go", true, pollNative},
	{"goroutine", "goroutines", "style_goroutine.go", false, pollGoroutines},
	{"stream", "callbacks: loop", "style_stream.go", false, pollStreams},
	{"evioloop", "callbacks: evioloop", "style_evio.go", false, pollEvio},
	{"httploop", "callbacks: httploop", "style_httploop.go", true, pollLoop},
}

//go:embed style_*.go
var styleSources embed.FS

// tokens counts those of a style's source.
func (s style) tokens() (int, error) {
	text, err := styleSources.ReadFile(s.source)
	if err != nil {
		return 0, err
	}
	return tokensOf(text)
}

// tokensOf counts those of a Go file behind its imports, without comments and the
// semicolons that nobody writes.
func tokensOf(text []byte) (n int, err error) {
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, "", text, parser.ImportsOnly)
	if err != nil {
		return 0, err
	}
	begin := tree.Name.End()
	for _, imports := range tree.Decls {
		begin = max(begin, imports.End())
	}
	rest := text[files.Position(begin).Offset:]
	var s scanner.Scanner
	s.Init(files.AddFile("", files.Base(), len(rest)), rest, nil, 0)
	for {
		_, tok, literal := s.Scan()
		switch {
		case tok == token.EOF:
			return n, nil
		case tok != token.SEMICOLON || literal != "\n":
			n++
		}
	}
}
