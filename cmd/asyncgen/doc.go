// Command asyncgen writes typed callback wrappers for a blocking driver: for a
// package's types, types of the same names whose methods take a callback, start
// the driver's method by [github.com/valet-go/valet/adapter.Go], and return at
// once.
//
//	go run github.com/valet-go/valet/cmd/asyncgen@latest -type Client,Tx -rules redis.rules github.com/redis/go-redis/v9
//
// run in a folder of a module that requires the driver and valet, writes
// async.go there. The guide is docs/generate.md in valet's repository.
//
// # What becomes of a method
//
// Every exported method of the types is looked at, those that come in through
// embedding included.
//
//   - A method blocks if its first parameter is a [context.Context], its last
//     result is an error, or its only result, other than a context, has a method
//     Err() error. It becomes a call: the context stays first, the callback is
//     the last parameter but for variadic ones, and the result is an
//     *adapter.Call. Without a context parameter it has none, and
//     [context.Background] is used. The callback gets what the method returns,
//     and an error in any case, since the adapter itself can fail. It is what
//     the result's Err returns, if there is one.
//   - Any other method is passed through: it is called as it is.
//   - A type of -type, as a parameter or result, becomes its wrapper; an
//     interface too. What is inside of other types (a slice, a function's
//     parameter) stays the driver's: a function that is passed to a call runs on
//     the adapter's goroutine, where the driver may block.
//   - What cannot be written in another package (its signature has an
//     unexported type) or is not clear (a context that is not the first
//     parameter) needs a rule.
//
// A wrapper T has T.On, which returns a view with another executor, T.Unwrap,
// and a constructor NewT.
//
// # Rules
//
// What is to be otherwise is said by rules, in the file given by -rules: one a
// line, each with the reason, which docs and tables show.
//
//	SUBJECT VERB [ARGUMENT...] -- REASON
//
// Lines that start with # are comments. A subject is a type, a method as
// Type.Method, or *.Method for that method of every type of -type which has it;
// a rule with a type's name precedes one with *. It may be a function of -func.
// The verbs of methods and functions:
//
//	skip [METHOD]      leave it out; METHOD, which is there, serves as well
//	pass               call it as it is: it does not block
//	call               make it a call, though it does not look like one that blocks
//	manual             it is written by hand in the output package
//	rename NAME        give the wrapper's method this name
//	release            it gives something up, and is started with adapter.Releasing
//	long               it waits for long, and is started with adapter.Long
//	via HELPER [METHOD]  start the call by a function of the output package, see below
//	drop FUNC          a result that no callback gets is given to this function of the output package;
//	                   several are in a struct, as r1, r2 and so on
//	note               add the reason to the doc comment
//
// The verbs of types:
//
//	held               it holds a connection: its calls run in a lane, with adapter.Held
//	drop METHOD        when no callback gets one, this method of the driver's ends it
//	note               add the reason to the doc comment
//
// What a held type returns is in its lane. For any other exported name of the
// package there is one verb: skip, which leaves it out of -alias.
//
// A helper of via has the parameters of adapter.Go and, before the body, the
// lane, which is nil if the call is in none. Its callback says what the caller
// gets. METHOD is called in place of the method that the rule is for:
//
//	func rows(ctx context.Context, a *adapter.Adapter, lane *adapter.Lane,
//		body func(context.Context) (*sql.Rows, error), cb func(*Rows, error),
//		opts ...adapter.CallOption) *adapter.Call
//
// A rule that says nothing about anything is an error, as is one without a
// reason, and one that contradicts another. A rule with * does not apply where
// one with a type's name contradicts it.
//
// # Starting
//
// With -start FUNC calls are started by a function of the output package that has
// the parameters of adapter.Go, and type parameters like it, but for those with a
// helper of via. It may add what every call needs, such as the lane of a session
// that the context holds.
//
// # Aliases
//
// -alias FILE writes aliases of all exported types, constants, variables and
// functions into a package, but for what it defines itself or rules skip. A
// variable is copied when the program starts. Functions are forwarded.
//
// # The way back
//
// -sync FILE writes a package with types of the same names and with the very
// methods of the driver's, each of which runs its call and waits for it by
// adapter.Wait: with it a test suite of the driver's runs through callbacks.
// What that package declares by hand under the name of a type or method of the
// driver's is used. What manual rules are for, and what is skipped in favour of
// nothing, must be there. Methods of a struct that all have values for receivers
// have that again. For the methods with a helper it has a function of the
// helper's name, which gets the context and, to give it to adapter.Wait, what
// starts the call, and returns what the method does:
//
//	func rows(ctx context.Context, start func(cb func(*async.Rows, error))) (*Rows, error)
//
// # Checks
//
// With -check nothing is written; files that differ are reported with a diff, and
// the exit status is 1. So a new driver with a new method fails the check. The
// version in the header does not count for packages of the standard library,
// which come with Go.
//
// What a driver has on some systems only is seen if it is there on this one.
package main
