package main

import (
	"context"
	"crypto/tls"
	"encoding/json"

	"github.com/valet-go/valet/cmd/internal/mongowire"
)

func (mongoDriver) serve(ctx context.Context, env *environment) (*server, error) {
	return serveSelf(ctx, env, roleMongo)
}

// mongoRole serves MongoDB's protocol from memory until the process ends.
func mongoRole(ctx context.Context, in json.RawMessage, ready func(any) error) error {
	var setup ownSetup
	if err := json.Unmarshal(in, &setup); err != nil {
		return err
	}
	var opts mongowire.Options
	if setup.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(setup.CertFile, setup.KeyFile)
		if err != nil {
			return err
		}
		opts.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	}
	d, err := mongowire.Start(opts)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := ready(d.Member(0).Addr()); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}
