// Starts `mlp lsp` for .mlp files and connects it to the editor. All the rest is the server's.
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

let client;

function start() {
  const command = vscode.workspace.getConfiguration("mlp").get("path", "mlp");
  client = new LanguageClient(
    "mlp",
    "mlp",
    { command, args: ["lsp"] },
    {
      documentSelector: [{ language: "mlp" }],
      // Sources are sniffed, schemas pinned and values given in files beside the module's own.
      synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher("**/{*.mlp,*.mlptest,*.mlpvars,mlp.lock}") },
    }
  );
  return client.start().catch((err) => {
    vscode.window.showErrorMessage(`mlp could not be started (${command} lsp): ${err.message}. Set mlp.path to the binary.`);
  });
}

exports.activate = async (context) => {
  context.subscriptions.push(
    vscode.commands.registerCommand("mlp.restart", async () => {
      await client?.stop();
      await start();
    })
  );
  await start();
};

exports.deactivate = () => client?.stop();
