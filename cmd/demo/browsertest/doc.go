// Package browsertest holds the tests of the demo's pages in a real browser,
// Chromium without a window: the demo as it is built, with the race detector, in
// processes of its own, and people who type, press keys, and read what is shown.
// The package has no code of its own.
//
// Whatever a page writes to its console fails the test, that is errors, violations
// of its policy, and requests that failed, but for those that a test provokes.
// Without Chromium the tests are skipped, or fail if VALET_REQUIRE_ALL is 1.
//
// The README's pictures are made by one of the tests:
//
//	go -C cmd test ./demo/browsertest -run Pages/pictures -args -pictures ../../../docs
package browsertest
