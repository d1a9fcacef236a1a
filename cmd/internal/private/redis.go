package private

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// StartRedis starts a Redis without a password that saves nothing to disk, and
// returns when it answers. ctx bounds the start, not the server's life.
func StartRedis(ctx context.Context) (*Server, error) {
	s, err := newServer(redisKind)
	if err != nil {
		return nil, err
	}
	if err := s.startAnywhere(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

var redisKind = kind{
	program: "redis-server",
	debian:  "redis-server",
	args: func(s *Server) []string {
		return []string{
			"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1",
			"--save", "", "--dir", s.dir,
		}
	},
	ready: pingRedis,
}

func pingRedis(ctx context.Context, s *Server) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	reply, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err
	}
	if strings.TrimSpace(reply) != "+PONG" {
		return fmt.Errorf("answered %q to PING", reply)
	}
	return nil
}
