package main

import (
	"encoding/json"
	"os"
)

// document is what -json writes.
type document struct {
	Rows   []row   `json:"rows"`
	Ratios []ratio `json:"ratios"`
}

// row has the medians of one path in one cell.
type row struct {
	Driver   string `json:"driver"`
	Path     string `json:"path"`
	Conns    int    `json:"conns"`
	Inflight int    `json:"inflight"`
	Procs    int    `json:"procs,omitempty"` // only with -procs
	sample
}

// ratio has the medians, over the pairs, of a path divided by a base. It is 0
// where the base's figure is not known.
type ratio struct {
	Driver     string  `json:"driver"`
	Path       string  `json:"path"`
	Base       string  `json:"base"`
	Conns      int     `json:"conns"`
	Inflight   int     `json:"inflight"`
	Procs      int     `json:"procs,omitempty"` // only with -procs
	Throughput float64 `json:"throughput"`
	CPU        float64 `json:"cpu"`
}

// newDocument has a row for each path and a ratio for each path against each
// other one, in the order of the command line.
func newDocument(cfg config, results []result) document {
	doc := document{Rows: []row{}, Ratios: []ratio{}}
	for _, r := range results {
		for _, path := range cfg.paths {
			doc.Rows = append(doc.Rows, row{cfg.driver, path, r.conns, r.inflight, r.procs, medians(r.rounds, path)})
			for _, base := range cfg.paths {
				if base == path {
					continue
				}
				throughput, cpu := compare(r.rounds, path, base)
				doc.Ratios = append(doc.Ratios, ratio{cfg.driver, path, base, r.conns, r.inflight, r.procs, throughput, cpu})
			}
		}
	}
	return doc
}

func writeJSON(file string, doc document) error {
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
