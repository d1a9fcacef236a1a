package main

import (
	"context"
	"errors"
)

func (mongoDriver) serve(ctx context.Context, env *environment) (*server, error) {
	if env.cert != nil {
		return nil, errors.New("-tls: the embedded FerretDB is started without TLS; name a server with -addr and -tls-ca")
	}
	return serveEmbedded(ctx, env, "mongo", env.dir)
}
