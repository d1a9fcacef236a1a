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

// conditions are what a side was measured under; what its measure does not use
// is left out.
type conditions struct {
	Conns     int   `json:"conns,omitempty"`
	Inflight  int   `json:"inflight,omitempty"`
	Bytes     int64 `json:"bytes,omitempty"`
	Buffer    int   `json:"buffer,omitempty"`
	Producers int   `json:"producers,omitempty"`
	Backlog   int   `json:"backlog,omitempty"`
	Funcs     int   `json:"funcs,omitempty"`
	Rows      int   `json:"rows,omitempty"`
	Procs     int   `json:"procs,omitempty"` // only with -procs
}

// row has the medians of one side in one cell.
type row struct {
	Driver string `json:"driver"`
	Path   string `json:"path"`
	conditions
	Unit string `json:"unit"` // what an operation is
	sample
}

// ratio has the medians, over the pairs, of a side divided by a base, with the
// least and the greatest ratio. They are 0 where the base's figure is not
// known; the ratios of memory are there only where that is measured.
type ratio struct {
	Driver    string `json:"driver"`
	Path      string `json:"path"`
	Base      string `json:"base"`
	BaseConns int    `json:"base_conns,omitempty"` // where the sides differ in them
	conditions
	Throughput    float64 `json:"throughput"`
	ThroughputMin float64 `json:"throughput_min"`
	ThroughputMax float64 `json:"throughput_max"`
	CPU           float64 `json:"cpu"`
	CPUMin        float64 `json:"cpu_min"`
	CPUMax        float64 `json:"cpu_max"`

	Memory    float64 `json:"memory,omitempty"` // heap and stack
	MemoryMin float64 `json:"memory_min,omitempty"`
	MemoryMax float64 `json:"memory_max,omitempty"`
	// The same with what the runtime allocates for itself.
	MemoryAll    float64 `json:"memory_all,omitempty"`
	MemoryAllMin float64 `json:"memory_all_min,omitempty"`
	MemoryAllMax float64 `json:"memory_all_max,omitempty"`
}

// newDocument has a row for each side and a ratio for each side against each
// other one, in the order of the command line.
func newDocument(cfg config, results []result) document {
	doc := document{Rows: []row{}, Ratios: []ratio{}}
	unit := measures[cfg.driver].unit
	for _, r := range results {
		sides := sidesOf(cfg, r.cell)
		for _, s := range sides {
			under := conditions{s.conns, r.inflight, cfg.bytes, cfg.buffer, r.producers, cfg.backlog, cfg.funcs, cfg.rows, r.procs}
			doc.Rows = append(doc.Rows, row{cfg.driver, s.path, under, unit, medians(r.rounds, s.String())})
			for _, base := range sides {
				if base != s {
					doc.Ratios = append(doc.Ratios, newRatio(cfg, r, s, base, under))
				}
			}
		}
	}
	return doc
}

func newRatio(cfg config, r result, s, base side, under conditions) ratio {
	out := ratio{Driver: cfg.driver, Path: s.path, Base: base.path, conditions: under}
	if base.open {
		out.BaseConns = base.conns
	}
	of := func(f figure) (median, least, most float64) {
		x := compare(r.rounds, s.String(), base.String(), f)
		return x.median, x.least, x.most
	}
	out.Throughput, out.ThroughputMin, out.ThroughputMax = of(perSecond(""))
	out.CPU, out.CPUMin, out.CPUMax = of(cpuPer("", ""))
	out.Memory, out.MemoryMin, out.MemoryMax = of(heapAndStack)
	out.MemoryAll, out.MemoryAllMin, out.MemoryAllMax = of(allMemory)
	return out
}

func writeJSON(file string, doc document) error {
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
