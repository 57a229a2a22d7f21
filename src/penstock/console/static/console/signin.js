// The link of a program that was just started: go on without a click.
document.getElementById("signin").requestSubmit();
