/* What TensorFlow Serving does, in C: loads a SavedModel and asks serving_default about the texts on the command line.

   serve MODEL TEXT_INPUT SCORES_OUTPUT CLASSES TEXT...   prints a line of scores a text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensorflow/c/c_api.h>

static void check(TF_Status *status, const char *what) {
  if (TF_GetCode(status) != TF_OK) {
    fprintf(stderr, "%s: %s\n", what, TF_Message(status));
    exit(1);
  }
}

/* "name:3" -> the output of that operation. */
static TF_Output find(TF_Graph *graph, const char *tensor) {
  char name[512];
  snprintf(name, sizeof name, "%s", tensor);
  char *colon = strrchr(name, ':');
  int index = colon ? atoi(colon + 1) : 0;
  if (colon) *colon = 0;
  TF_Output found = {TF_GraphOperationByName(graph, name), index};
  if (!found.oper) {
    fprintf(stderr, "no operation %s\n", name);
    exit(1);
  }
  return found;
}

int main(int count, char **arguments) {
  const char *tags[] = {"serve"};
  int texts = count - 5, classes = atoi(arguments[4]);
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_SessionOptions *options = TF_NewSessionOptions();
  TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, arguments[1], tags, 1, graph, NULL, status);
  check(status, "load");

  int64_t rows = texts;
  TF_Tensor *text = TF_AllocateTensor(TF_STRING, &rows, 1, sizeof(TF_TString) * texts);
  TF_TString *strings = TF_TensorData(text);
  for (int i = 0; i < texts; i++) {
    TF_TString_Init(&strings[i]);
    TF_TString_Copy(&strings[i], arguments[5 + i], strlen(arguments[5 + i]));
  }
  TF_Output input = find(graph, arguments[2]), output = find(graph, arguments[3]);
  TF_Tensor *scores = NULL;
  TF_SessionRun(session, NULL, &input, &text, 1, &output, &scores, 1, NULL, 0, NULL, status);
  check(status, "run");
  const float *values = TF_TensorData(scores);
  for (int i = 0; i < texts; i++)
    for (int c = 0; c < classes; c++) printf("%.9g%c", values[i * classes + c], c + 1 < classes ? ' ' : '\n');
  TF_DeleteTensor(scores);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  return 0;
}
