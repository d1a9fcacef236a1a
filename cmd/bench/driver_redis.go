package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisDriver reads 64-byte values with GET through go-redis.
type redisDriver struct{}

func redisKey(key int) string { return redisKeys[key] }

var redisKeys = func() (k [keys]string) {
	for i := range k {
		k[i] = fmt.Sprintf("valet:bench:%02d", i)
	}
	return k
}()

// client makes a client whose pool has conns connections.
func (redisDriver) client(at target, conns int, dial dialFunc) (*redis.Client, error) {
	cfg, err := at.tlsConfig(hostOf(at.Addr))
	if err != nil {
		return nil, err
	}
	return redis.NewClient(&redis.Options{
		Addr:            at.Addr,
		Dialer:          overTLS(dial, cfg),
		PoolSize:        conns,
		MinIdleConns:    conns,
		PoolTimeout:     time.Minute, // waiting for a connection is part of the load
		MaxRetries:      -1,          // an error must show
		DisableIdentity: true,
	}), nil
}

func (d redisDriver) open(_ context.Context, at target, sp spec, dial dialFunc) (*session, error) {
	client, err := d.client(at, sp.Conns, dial)
	if err != nil {
		return nil, err
	}
	return &session{
		read: func(ctx context.Context, key int) (string, error) {
			return client.Get(ctx, redisKey(key)).Result()
		},
		close: client.Close,
	}, nil
}

func (d redisDriver) prepare(ctx context.Context, at target) (func(), error) {
	client, err := d.client(at, 1, new(net.Dialer).DialContext)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	for i := range keys {
		if err := client.Set(ctx, redisKey(i), value(i), 0).Err(); err != nil {
			return nil, fmt.Errorf("redis at %s: %w", at.Addr, err)
		}
	}
	return func() { d.remove(at) }, nil
}

func (d redisDriver) remove(at target) {
	client, err := d.client(at, 1, new(net.Dialer).DialContext)
	if err != nil {
		return
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTimeout)
	defer cancel()
	client.Del(ctx, redisKeys[:]...)
}

// cleanupTimeout bounds removing the values from a server that the user named.
const cleanupTimeout = 5 * time.Second
