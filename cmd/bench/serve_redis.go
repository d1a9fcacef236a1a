package main

import (
	"context"
	"errors"
	"net"
	"strconv"
)

func (d redisDriver) serve(ctx context.Context, env *environment) (*server, error) {
	program, err := findProgram("redis-server")
	if err != nil {
		return nil, errors.New("no redis-server is installed: apt-get install -y --no-install-recommends redis-server, or name one with -addr host:port")
	}
	args := func(port string) []string {
		args := []string{
			"--bind", "127.0.0.1", "--save", "", "--dir", env.dir,
			"--maxclients", strconv.Itoa(env.conns + spareDescriptors), "--tcp-backlog", "511",
		}
		if env.cert == nil {
			return append(args, "--port", port)
		}
		return append(args, "--port", "0", "--tls-port", port,
			"--tls-cert-file", env.cert.certFile, "--tls-key-file", env.cert.keyFile,
			"--tls-ca-cert-file", env.cert.certFile, "--tls-auth-clients", "no")
	}
	addr, stop, err := startExternal(ctx, program, args, func(ctx context.Context, addr string) error {
		client, err := d.client(env.at(addr), 1, new(net.Dialer).DialContext)
		if err != nil {
			return err
		}
		defer client.Close()
		return client.Ping(ctx).Err()
	})
	if err != nil {
		return nil, err
	}
	return &server{at: env.at(addr), stop: stop}, nil
}
