/**
 * Imported before everything else, for its effect: on a Node that lacks what the others use as they are read, a service says so
 * instead of failing somewhere in the middle of them.
 */
const oldest = 24;
/** sysexits.h: something that is needed is not there. */
const unavailableExit = 69;

if (Number(process.versions.node.split('.', 1)[0]) < oldest) {
  process.stderr.write(`Modelgate's services need Node ${oldest} or newer; this is Node ${process.versions.node}.\n`);
  process.exit(unavailableExit);
}
