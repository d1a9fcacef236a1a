package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"time"
)

// startExternal starts an installed server that wants to be told its port.
// args makes its arguments; ping must succeed once it serves, and is asked from
// the moment that the port is open until the server ends or startTimeout is
// over. If another program took the port first, it tries again with another one.
func startExternal(ctx context.Context, program string, args func(port string) []string, ping func(ctx context.Context, addr string) error) (addr string, stop func(), err error) {
	for range 3 {
		port, err := freePort()
		if err != nil {
			return "", nil, err
		}
		addr = net.JoinHostPort("127.0.0.1", port)
		stop, err = startOn(ctx, program, args(port), func(ctx context.Context) error {
			var d net.Dialer
			c, err := d.DialContext(ctx, "tcp", addr)
			if err != nil {
				return err
			}
			c.Close()
			return ping(ctx, addr)
		})
		if err == nil || ctx.Err() != nil {
			return addr, stop, err
		}
		lastErr := err
		if err = nil; !portTaken(addr) {
			return "", nil, lastErr
		}
	}
	return "", nil, fmt.Errorf("%s: found no free port", program)
}

// findProgram looks for an installed server, also where Debian keeps those
// that ordinary users have no path to.
func findProgram(name string) (string, error) {
	program, err := exec.LookPath(name)
	if err != nil {
		return exec.LookPath("/usr/sbin/" + name)
	}
	return program, nil
}

// startTimeout is how long a server may take until it serves.
const startTimeout = 30 * time.Second

func startOn(ctx context.Context, program string, args []string, ping func(context.Context) error) (func(), error) {
	run, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(run, program, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	cmd.SysProcAttr = endWithParent()
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	stop := func() {
		cancel()
		<-ended
	}
	limit, release := context.WithTimeout(ctx, startTimeout)
	defer release()
	for {
		err := ping(limit)
		if err == nil {
			return stop, nil
		}
		select {
		case <-ended:
			cancel()
			return nil, errors.Join(fmt.Errorf("%s ended at once (%v)", program, cmd.ProcessState), lastLines(&said))
		case <-limit.Done():
			stop()
			return nil, errors.Join(fmt.Errorf("%s does not answer: %w", program, err), lastLines(&said))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// freePort returns a port that was free a moment ago.
func freePort() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return strconv.Itoa(ln.Addr().(*net.TCPAddr).Port), nil
}

// portTaken reports whether somebody else listens on addr.
func portTaken(addr string) bool {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return true
	}
	ln.Close()
	return false
}
