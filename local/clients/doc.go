// Package clients is the lane that runs other people's clients, in their current releases, against the
// embedded servers: call by call, from their registries. Each is a small program in a folder of its own
// that prints one JSON line for each call; expected.json says which calls work and which are refused, and
// by what name. The README holds the table that comes out.
//
// The lane has the build tag clients and needs Python 3 with venv, npm, a JDK 17 with Maven,
// and kcat. What is fetched is kept in the user's cache folder, by the content of what pins the version.
package clients
