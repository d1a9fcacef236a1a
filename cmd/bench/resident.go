package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
)

// resident is the memory that this process keeps from others, in bytes, as Linux
// tells it.
type resident struct {
	pages  int // VmRSS: what is resident, without what it may share
	tables int // VmPTE: the page tables for it
	stacks int // the kernel's stacks of its threads
}

// readResident reads it once garbage has been given back.
func readResident() (r resident, err error) {
	settled()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return r, fmt.Errorf("resident memory is known on Linux only: %w", err)
	}
	var threads int
	for name, into := range map[string]*int{"RssAnon:": &r.pages, "VmPTE:": &r.tables, "Threads:": &threads} {
		if *into, err = procNumber(status, name); err != nil {
			return r, err
		}
	}
	each, err := kernelStack()
	r.pages, r.tables, r.stacks = r.pages<<10, r.tables<<10, threads*each
	return r, err
}

// kernelStack is how large the kernel's stack of a thread is: that of all threads
// of the system by their number, to the next page.
func kernelStack() (int, error) {
	info, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	kib, err := procNumber(info, "KernelStack:")
	if err != nil {
		return 0, err
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(load, []byte("/"))
	all, _, _ := bytes.Cut(rest, []byte(" "))
	n, err := strconv.Atoi(string(all))
	if err != nil || n == 0 {
		return 0, fmt.Errorf("/proc/loadavg: %q", load)
	}
	page := os.Getpagesize()
	return (kib<<10/n + page/2) / page * page, nil
}

// procNumber finds the number behind a name that begins a line.
func procNumber(text []byte, name string) (int, error) {
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(name)); ok {
			return strconv.Atoi(string(bytes.Fields(rest)[0]))
		}
	}
	return 0, fmt.Errorf("/proc does not tell %s", name)
}
