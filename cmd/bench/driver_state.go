package main

import (
	"context"
	"fmt"
)

// waysToStoreState is what a client costs that waits for a message, by the way in
// which the server keeps its state, and how much code that takes. What is done is
// in the doc comment of main.go.
func waysToStoreState() measure {
	m := measure{
		peer: nobody{},
		uses: []string{"conns"},
		unit: "client",
		columns: []figure{
			allResident,
			always("resident", "%.0f", func(s sample) float64 { return s.Resident }),
			always("page tables", "%.0f", func(s sample) float64 { return s.PageTables }),
			always("kernel stacks", "%.0f", func(s sample) float64 { return s.KernelStacks }),
			always("tokens", "%.0f", func(s sample) float64 { return float64(s.Tokens) }),
		},
		ratios:      []figure{allResident},
		about:       func(_ config, c cell) string { return fmt.Sprintf("%d waiting clients, bytes for each", c.conns) },
		descriptors: twoForEvio,
		run:         runState,
		title:       "Ways to store state",
		draw:        drawState,
	}
	list := ""
	for _, s := range styles {
		m.paths = append(m.paths, s.name)
		list += "," + s.name
	}
	m.defaults = map[string]string{"path": list[1:], "conns": "5000"}
	return m
}

var allResident = always("memory", "%.0f", func(s sample) float64 { return s.Resident + s.PageTables + s.KernelStacks })

// styleOf finds a style by its path.
func styleOf(path string) style {
	for _, s := range styles {
		if s.name == path {
			return s
		}
	}
	return style{}
}

// runState measures a server in this process, whose clients are in another one.
func runState(ctx context.Context, sp spec) (s sample, err error) {
	how := styleOf(sp.Path)
	if s.Tokens, err = how.tokens(); err != nil {
		return s, err
	}
	srv, err := how.start(ctx)
	if err != nil {
		return s, err
	}
	defer srv.close()
	if err := comeAndGo(ctx, srv); err != nil {
		return s, fmt.Errorf("before the measurement: %w", err)
	}
	before, err := readResident()
	if err != nil {
		return s, err
	}
	clients, err := startPollers(ctx, srv, sp.Conns)
	if err != nil {
		return s, err
	}
	defer clients.stop()
	after, err := readResident()
	each := func(before, after int) float64 { return float64(after-before) / float64(sp.Conns) }
	s.Resident = each(before.pages, after.pages)
	s.PageTables = each(before.tables, after.tables)
	s.KernelStacks = each(before.stacks, after.stacks)
	return s, err
}
