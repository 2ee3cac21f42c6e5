#define STEPS 601
