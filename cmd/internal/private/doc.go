// Package private starts real database servers that are installed on this
// machine, each as a child process of its own on a free port of 127.0.0.1, with
// its data in a temporary folder. The services that a distribution's package
// may have set up are never used or touched.
//
//	srv, err := private.StartRedis(ctx)
//	if errors.Is(err, private.ErrNotInstalled) { ... } // run make deps
//	defer srv.Close()
//	client := redis.NewClient(&redis.Options{Addr: srv.Addr()})
//
// Tests call [RequireRedis], [RequireMariaDB] and [RequirePostgres] instead, which
// skip, or fail where VALET_REQUIRE_ALL=1 asks for that. [RequireChromium] does the
// same for a browser, which others start.
//
// # Faults
//
// [Server.Kill] and [Server.Restart] lose every connection, [Server.Pause]
// keeps them but answers nothing until [Server.Resume]. The address stays the
// same. All methods may be called from any goroutine.
//
// # Lifetime
//
// On Linux a server dies with the process that started it, however that one
// ends, and so does what [Start] starts. Elsewhere it outlives a parent that is killed before Close.
package private
